package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// callLimit is how long a call may take, whatever its context says.
const callLimit = 5 * time.Second

// Call asks one URL; body and answer are JSON, nil for none. Any status but 2xx
// is an error with what was said.
func Call(ctx context.Context, method, url string, body, into any) error {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	var send io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		send = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, url, send)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s: %s", method, url, resp.Status, bytes.TrimSpace(text))
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(text, into)
}

// Ask asks the balancers in turn, at their admin addresses, until one answers.
func (c *Cluster) Ask(ctx context.Context, method, path string, body, into any) error {
	f := c.File()
	last := fmt.Errorf("%s names no balancer", c.path)
	for _, admin := range f.Admins() {
		if last = Call(ctx, method, admin+path, body, into); last == nil {
			return nil
		}
	}
	return last
}
