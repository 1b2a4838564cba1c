package call

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"tandem/internal/names"
	"tandem/internal/wire"
)

// ErrOther is Ping's for an answer of somebody else.
var ErrOther = errors.New("another process, or another life of the edge, answers")

// Ping asks an edge on a new connection whether it is there.
func (c *Client) Ping(ctx context.Context, limit time.Duration, e wire.Edge) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, e.HTTP+wire.PathPing, nil)
	if err != nil {
		return err
	}
	c.Sign(req)
	transport := c.named(&http.Transport{DisableKeepAlives: true, DialContext: names.Of(new(net.Dialer))})
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return &StatusError{Status: resp.StatusCode}
	}
	var pong wire.Pong
	if err := json.NewDecoder(io.LimitReader(resp.Body, 4096)).Decode(&pong); err != nil {
		return err
	}
	if pong.Name != e.Name || pong.Incarnation != e.Incarnation {
		return ErrOther
	}
	return nil
}

// PingTwice asks twice, the second time at once when the first was refused and else
// apart later, beside it. One good answer is enough; else it is what the second met.
func (c *Client) PingTwice(ctx context.Context, limit, apart time.Duration, e wire.Edge) error {
	var under sync.WaitGroup
	defer under.Wait()
	ctx, cancel := context.WithTimeout(ctx, limit+apart)
	defer cancel()
	answers := make(chan error, 2)
	ask := func() { under.Go(func() { answers <- c.Ping(ctx, limit, e) }) }
	ask()
	select {
	case err := <-answers:
		if err == nil {
			return nil
		}
		ask()
		return <-answers
	case <-time.After(apart):
		ask()
	}
	if err := <-answers; err == nil {
		return nil
	}
	return <-answers
}
