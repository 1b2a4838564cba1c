package fetch

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"tandem/edge/rules"
)

// Answer is an answer that is given to one viewer alone, as it came.
type Answer struct {
	*answer
	f *Fetcher
}

// Head is the answer's head.
func (a *Answer) Head() *http.Response { return a.resp }

// Cancel ends the request, and with it the body.
func (a *Answer) Cancel() { a.tie.end(context.Canceled) }

// Close ends the answer; the connection is used again where it can be.
func (a *Answer) Close() { a.close() }

// Drain copies the body; one without progress is broken off.
func (a *Answer) Drain(ctx context.Context, to io.Writer) (int64, error) {
	return a.f.drainInto(ctx, to, a.answer)
}

// Pass sends a viewer's request on as it is.
func (f *Fetcher) Pass(r *http.Request, target string, body io.ReadCloser) (*Answer, error) {
	ctx, tie := tied(r.Context())
	req, err := http.NewRequestWithContext(ctx, r.Method, f.cfg.Origin+target, body)
	if err == nil {
		rules.Carry(req.Header, r.Header, func(string) bool { return true })
		mark(req, f.cfg.Name)
		if body != http.NoBody {
			req.ContentLength = r.ContentLength
		}
		f.Counts.OriginAsked.Add(1)
		var resp *http.Response
		if resp, err = f.origin.Do(req); err == nil {
			return &Answer{&answer{resp: resp, from: "origin", tie: tie}, f}, nil
		}
	}
	tie.end(context.Canceled)
	return nil, fmt.Errorf("%w: %w", ErrOrigin, err)
}
