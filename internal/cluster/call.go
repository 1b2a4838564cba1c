package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// callLimit is how long a call may take, whatever its context says.
const callLimit = 5 * time.Second

// ErrToken is returned where the token of the environment is nobody's, or is missing.
var ErrToken = errors.New("an operator's token is wanted in " + TokenEnv)

// Call asks one URL as nobody does.
func Call(ctx context.Context, method, url string, body, into any) error {
	return (&Operator{}).Call(ctx, method, url, body, into)
}

// Call asks one URL; body and answer are JSON, nil for none. Any status but 2xx
// is an error with what was said.
func (o *Operator) Call(ctx context.Context, method, url string, body, into any) error {
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
	o.Sign(req)
	resp, err := o.HTTP.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode == http.StatusUnauthorized {
		return fmt.Errorf("%s: %w", url, ErrToken)
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
	o, err := c.operator()
	if err != nil {
		return err
	}
	last := fmt.Errorf("%s names no balancer", c.path)
	for _, admin := range f.Admins() {
		if last = o.Call(ctx, method, admin+path, body, into); last == nil {
			return nil
		}
	}
	return last
}
