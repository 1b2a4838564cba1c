package fetch

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"time"

	"tandem/edge/rules"
	"tandem/edge/upstream"
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

// Pass sends a viewer's request on as it is. A body of the length -1 is as long as
// it is.
func (f *Fetcher) Pass(r *http.Request, target string, body io.Reader, waiting Waiting) (*Answer, error) {
	ctx, tie := tied(r.Context())
	waiting.Start()
	defer waiting.Stop()
	h := http.Header{}
	rules.Carry(h, r.Header, func(string) bool { return true })
	f.origins.mark(h)
	resp, err := f.origins.send(interimTo(ctx, waiting.Interim), &upstream.Request{Method: r.Method, Target: target, Header: h, Body: body, Length: r.ContentLength})
	if err != nil {
		tie.end(context.Canceled)
		return nil, err
	}
	return &Answer{&answer{resp: resp, from: "origin", tie: tie}, f}, nil
}

// Peek is the beginning of the body, at most n bytes of it, which stay in it.
func (a *Answer) Peek(n int) []byte {
	head := make([]byte, n)
	limit := time.AfterFunc(a.f.cfg.OriginTimeout, func() { _ = a.resp.Body.Close() })
	got, _ := io.ReadFull(a.resp.Body, head)
	limit.Stop()
	a.resp.Body = &peeked{io.MultiReader(bytes.NewReader(head[:got]), a.resp.Body), a.resp.Body}
	return head[:got]
}

// peeked is a body whose beginning has been read.
type peeked struct {
	io.Reader
	io.Closer
}
