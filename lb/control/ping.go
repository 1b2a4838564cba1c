package control

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"tandem/internal/call"
	"tandem/internal/wire"
)

var errOther = errors.New("another process, or another life of the edge, answers")

// ping asks an edge on a new connection whether it is there.
func ping(ctx context.Context, limit time.Duration, e wire.Edge, name string, secret wire.Secret) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, e.HTTP+wire.PathPing, nil)
	if err != nil {
		return err
	}
	req.Header.Set(wire.HeaderAuth, secret.Bearer())
	req.Header.Set(wire.HeaderFrom, name)
	transport := &http.Transport{DisableKeepAlives: true, DialContext: (&net.Dialer{}).DialContext}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return &call.StatusError{Status: resp.StatusCode}
	}
	var pong wire.Pong
	if err := json.NewDecoder(io.LimitReader(resp.Body, 4096)).Decode(&pong); err != nil {
		return err
	}
	if pong.Name != e.Name || pong.Incarnation != e.Incarnation {
		return errOther
	}
	return nil
}
