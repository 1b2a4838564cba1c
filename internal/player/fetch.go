package player

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tandem/internal/wire"
)

const (
	maxPlaylist  = 1 << 20
	requestLimit = 20 * time.Second // for one request, head and body
	readBlock    = 32 << 10
)

// errRefused is a viewer that was not admitted (503 with a reason).
var errRefused = errors.New("refused")

// answer is one complete response.
type answer struct {
	url  *url.URL // where the redirects ended
	body []byte   // of a playlist
	sum  [sha256.Size]byte
	size int64
}

// get fetches a URL, with the retries that the viewer has.
func (v *viewer) get(ctx context.Context, target string, keep bool) (answer, error) {
	for try := 0; ; try++ {
		a, err := v.once(ctx, target, keep)
		if err == nil || ctx.Err() != nil {
			return a, err
		}
		if errors.Is(err, errRefused) && !v.admitted {
			return a, err
		}
		v.failed(err)
		if try >= v.cfg.Retries {
			return a, err
		}
		v.report.Retries++
		target = v.elsewhere(target, err)
		if !pause(ctx, v.cfg.RetryAfter) {
			return a, ctx.Err()
		}
	}
}

func (v *viewer) failed(err error) {
	v.report.Errors++
	if v.report.FirstError == "" {
		v.report.FirstError = time.Now().Format("15:04:05.000") + " " + err.Error()
	}
}

// elsewhere turns to the next balancer when this one could not be reached: a
// token is good at every balancer.
func (v *viewer) elsewhere(target string, err error) string {
	if len(v.cfg.Others) == 0 || !errors.As(err, new(*connectionError)) {
		return target
	}
	u, parsed := url.Parse(target)
	if parsed != nil {
		return target
	}
	v.turn++
	v.report.Moved++
	v.client.CloseIdleConnections()
	v.base = strings.TrimRight(v.cfg.Others[v.turn%len(v.cfg.Others)], "/")
	return v.base + u.RequestURI()
}

// connectionError is a request that failed as a connection does, not by an answer.
type connectionError struct{ err error }

func (e *connectionError) Error() string { return e.err.Error() }
func (e *connectionError) Unwrap() error { return e.err }

// once makes one request and reads its whole body.
func (v *viewer) once(ctx context.Context, target string, keep bool) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, requestLimit)
	defer cancel()
	// A body that is empty and can't be had again: with it package net/http does
	// not try a request a second time behind our back when a connection that was
	// used before breaks. What the viewer meets has to be counted.
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, io.NopCloser(strings.NewReader("")))
	if err != nil {
		return answer{}, err
	}
	req.TransferEncoding = []string{"identity"} // else a busy machine's body can become a chunked one, which is refused
	req.Header.Set("User-Agent", "tandem-viewer")
	resp, err := v.client.Do(req)
	if err != nil {
		return answer{}, &connectionError{err}
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		_, _ = io.CopyN(io.Discard, resp.Body, 64<<10)
		if reason := resp.Header.Get(wire.HeaderReason); resp.StatusCode == http.StatusServiceUnavailable && reason != "" {
			return answer{}, fmt.Errorf("%w: %s (Retry-After %s)", errRefused, reason, resp.Header.Get("Retry-After"))
		}
		return answer{}, fmt.Errorf("%s: %s", req.URL.Path, resp.Status)
	}
	a := answer{url: resp.Request.URL}
	if err := v.read(ctx, resp, &a, keep); err != nil {
		return answer{}, &connectionError{fmt.Errorf("%s after %d bytes: %w", req.URL.Path, a.size, err)}
	}
	if tookOver(resp.Header) || tookOver(resp.Trailer) {
		v.report.Takeovers++
	}
	return a, nil
}

// read takes the body in, at the viewer's rate, and notes its longest silence.
func (v *viewer) read(ctx context.Context, resp *http.Response, a *answer, keep bool) error {
	hash, block := sha256.New(), make([]byte, readBlock)
	began := time.Now()
	for {
		asked := time.Now()
		n, err := resp.Body.Read(block)
		// The wait for the first byte is the edge's or the origin's work, not a
		// hole in a response.
		if a.size > 0 {
			v.report.LongestGap = max(v.report.LongestGap, time.Since(asked))
		}
		a.size += int64(n)
		hash.Write(block[:n])
		if keep {
			if a.size > maxPlaylist {
				return fmt.Errorf("a playlist of more than %d bytes", maxPlaylist)
			}
			a.body = append(a.body, block[:n]...)
		}
		if err == io.EOF {
			a.sum = [sha256.Size]byte(hash.Sum(nil))
			return nil
		}
		if err != nil {
			return err
		}
		if v.cfg.Rate > 0 {
			due := time.Duration(float64(a.size) / float64(v.cfg.Rate) * float64(time.Second))
			if !pause(ctx, due-time.Since(began)) {
				return ctx.Err()
			}
		}
	}
}

// tookOver tells whether a response was taken over from a failed edge.
func tookOver(h http.Header) bool {
	for _, value := range h.Values("Server-Timing") {
		if strings.Contains(value, "takeover") {
			return true
		}
	}
	return false
}

// pause waits; false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
