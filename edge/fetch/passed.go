package fetch

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"tandem/edge/manifest"
	"tandem/edge/rules"
	"tandem/edge/steady"
	"tandem/edge/upstream"
	"tandem/internal/media"
)

// Answer is an answer that is given to one viewer alone, as it came.
type Answer struct {
	*answer
	f    *Fetcher
	read []byte
}

// Head is the answer's head.
func (a *Answer) Head() *http.Response { return a.resp }

// Cancel ends the request, and with it the body.
func (a *Answer) Cancel() { a.tie.end(context.Canceled) }

// Close ends the answer; the connection is used again where it can be.
func (a *Answer) Close() { a.close() }

// Manifest reads an answer that is a manifest; nil: it is none, or too large. If no
// URI in it takes a prefix the answer can be given as it came.
func (a *Answer) Manifest(ctx context.Context, key string) (*manifest.Entry, error) {
	if a.meta.Status == 0 {
		a.meta = metaOf(a.resp, key)
	}
	if a.meta.Size == 0 || !a.isManifest(key, a.f.cfg.OriginTimeout, a.f.now) {
		return nil, nil
	}
	body, err := a.f.readManifest(ctx, a.answer)
	if err != nil && !errors.Is(err, media.ErrTooLarge) {
		return nil, err
	}
	if err == nil {
		defer a.f.Deadly.Reads(rules.TargetOf(key))()
		e := a.f.manifests.Parse(key, &a.meta, body)
		a.f.manifests.Keep(e)
		if a.read = body; e.Manifest == nil {
			a.resp.Body = steady.Begun(body, nil, a.resp.Body)
			return nil, nil
		}
		return e, nil
	}
	return nil, nil
}

// Read is the body of a manifest, as it came.
func (a *Answer) Read() []byte { return a.read }

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
	if rules.Safe(r.Method) {
		rules.OwnUp(resp.Header, h, target)
		f.varied.Note(target, resp.StatusCode, rules.VaryOf(resp.Header), f.now())
	}
	return &Answer{answer: &answer{resp: resp, from: "origin", tie: tie}, f: f}, nil
}

// Peek is the beginning of the body, which stays in it: as much as tells what it is.
func (a *Answer) Peek(encoding string) []byte {
	head := make([]byte, media.Prologue)
	limit := time.AfterFunc(a.f.cfg.OriginTimeout, func() { _ = a.resp.Body.Close() })
	defer limit.Stop()
	got, err := io.ReadFull(a.resp.Body, head[:manifest.Sniffed])
	for n := 0; err == nil && manifest.Wants(encoding, head[:got]); got += n {
		n, err = a.resp.Body.Read(head[got:])
	}
	a.resp.Body = steady.Begun(head[:got], nil, a.resp.Body)
	return head[:got]
}
