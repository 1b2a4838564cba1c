package lb

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"tandem/internal/wire"
)

// maxAnswer bounds what another node may answer, in bytes.
const maxAnswer = 64 << 20

// statusError is an answer of another node that is not a success.
type statusError struct {
	status int
	body   []byte
}

func (e *statusError) Error() string {
	return fmt.Sprintf("%d %s: %s", e.status, http.StatusText(e.status), bytes.TrimSpace(e.body[:min(len(e.body), 200)]))
}

// caller asks other nodes for JSON, with the cluster's secret.
type caller struct {
	name   string
	secret wire.Secret
	client *http.Client
}

func newCaller(name string, secret wire.Secret) *caller {
	dialer := &net.Dialer{Timeout: 2 * time.Second, KeepAlive: 15 * time.Second}
	return &caller{name: name, secret: secret, client: &http.Client{
		Transport: &http.Transport{
			DialContext: dialer.DialContext, MaxIdleConnsPerHost: 16, IdleConnTimeout: 30 * time.Second,
			ResponseHeaderTimeout: 30 * time.Second, MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// close ends the idle connections.
func (c *caller) close() { c.client.CloseIdleConnections() }

// sign shows that a request comes from this balancer.
func (c *caller) sign(r *http.Request) {
	r.Header.Set(wire.HeaderAuth, c.secret.Bearer())
	r.Header.Set(wire.HeaderFrom, c.name)
}

// ask sends body (nil: none) and reads the answer into into (nil: not looked
// at). A status that is no success is a *statusError.
func (c *caller) ask(ctx context.Context, method, url string, body, into any) error {
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
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	c.sign(req)
	resp, err := c.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode >= 300 {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
		return &statusError{resp.StatusCode, text}
	}
	if into == nil {
		_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20))
		return nil
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// statusOf is the status that another node answered with, 0 when it was none.
func statusOf(err error) int {
	var s *statusError
	if errors.As(err, &s) {
		return s.status
	}
	return 0
}
