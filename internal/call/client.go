package call

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

	"tandem/internal/identity"
	"tandem/internal/names"
	"tandem/internal/wire"
)

const (
	maxAnswer = 64 << 20 // of another node's answer, in bytes
	maxError  = 64 << 10 // of an answer that is not a success, in bytes
)

// maxSaid bounds what an error repeats of an answer, in bytes: causes and their mends are shorter.
const maxSaid = 400

// StatusError is an answer of another node that is not a success.
type StatusError struct {
	Status int
	Body   []byte
}

func (e *StatusError) Error() string {
	said := bytes.TrimSpace(e.Body)
	var p Problem
	if json.Unmarshal(said, &p) == nil && p.Error != "" {
		said = []byte(p.Error) // a line of a log is JSON already
	}
	return fmt.Sprintf("%d %s: %s", e.Status, http.StatusText(e.Status), said[:min(len(said), maxSaid)])
}

// StatusOf is the status that another node answered with, 0 when err is not such
// an answer.
func StatusOf(err error) int {
	var s *StatusError
	if errors.As(err, &s) {
		return s.Status
	}
	return 0
}

// Client asks other nodes for JSON, with this node's certificate, or, where nodes
// have none, with the cluster's secret.
type Client struct {
	name     string
	secret   wire.Secret
	identity *identity.Bundle // nil: the secret
	http     *http.Client
	whose    func(address string) identity.Want // nil: anybody's

	connections []*Connections // made before anybody is asked
}

// dialLimit is how long a connection to a node may take to come about.
const dialLimit = 2 * time.Second

// NewClient is a client of the node of that name. id is its identity, nil: none.
func NewClient(name string, secret wire.Secret, id *identity.Bundle) *Client {
	dialer := &net.Dialer{Timeout: dialLimit, KeepAlive: 15 * time.Second}
	c := &Client{name: name, secret: secret, identity: id}
	c.http = &http.Client{
		Transport: c.Named(&http.Transport{
			DialContext: names.Of(dialer), MaxIdleConnsPerHost: 1024, IdleConnTimeout: 30 * time.Second, // as many as were lately busy
			ResponseHeaderTimeout: 30 * time.Second, MaxResponseHeaderBytes: 64 << 10,
		}),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c
}

// Named makes a transport show this node's name, and ask for that of the other one,
// whatever scheme its address has: where nodes have names they speak in no other way.
func (c *Client) Named(t *http.Transport) *Connections {
	by := NewConnections(c.named(t))
	c.connections = append(c.connections, by)
	return by
}

func (c *Client) named(t *http.Transport) *http.Transport {
	if c.identity != nil {
		t.DialContext = func(ctx context.Context, _, address string) (net.Conn, error) {
			ctx, cancel := context.WithTimeout(ctx, dialLimit)
			defer cancel()
			return c.identity.Dial(ctx, address, c.wanted(address), identity.ProtocolHTTP)
		}
		t.DialTLSContext = t.DialContext
	}
	return t
}

// Expect tells whom an address leads to: who answers there by another name is not spoken
// with. To be called before anybody is asked.
func (c *Client) Expect(whose func(address string) identity.Want) { c.whose = whose }

func (c *Client) wanted(address string) identity.Want {
	if c.whose == nil {
		return identity.Want{}
	}
	return c.whose(address)
}

// Close ends the idle connections, and has who asks later ask by new ones, which show
// what this node is then.
func (c *Client) Close() {
	for _, by := range c.connections {
		by.Renew()
	}
}

// Sign shows that a request comes from this node.
func (c *Client) Sign(r *http.Request) {
	if c.identity == nil { // else it is the connection that shows it, and no secret goes over it
		r.Header.Set(wire.HeaderAuth, c.secret.Bearer())
	}
	r.Header.Set(wire.HeaderFrom, c.name)
}

// Do signs a request and sends it. Redirects are answers.
func (c *Client) Do(r *http.Request) (*http.Response, error) {
	c.Sign(r)
	return c.http.Do(r)
}

// Ask sends body (nil: none) and reads the answer into into (nil: not looked
// at). A status that is no success is a *StatusError.
func (c *Client) Ask(ctx context.Context, method, url string, body, into any) error {
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
	resp, err := c.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode >= 300 {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, maxError))
		return &StatusError{resp.StatusCode, text}
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
