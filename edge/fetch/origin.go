package fetch

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"tandem/edge/deadly"
	"tandem/edge/rules"
	"tandem/edge/upstream"

	"tandem/internal/media"
	"tandem/internal/wire"
	"tandem/segstore"
)

// answer is the head of somebody's answer, and the body to be read.
type answer struct {
	meta  segstore.Meta
	head  rules.Head // the origin's
	rules rules.Rules
	resp  *http.Response
	from  string // "origin" or the name of the neighbour
	by    string // which of its servers, of the origin alone

	tie  *tie // what ends the request, from the origin alone
	used bool // its body is being read

	leave func() // gives back the room that a large manifest takes; nil: it has none

	transient  bool   // storable, but not kept: all who wait get it
	passed     bool   // a neighbour hands on what is not for the store
	duplicated bool   // the origin sends the second copy
	byGroup    bool   // the body comes in datagrams
	parts      Parts  // then: where it is put together
	forget     func() // then: ends parts
}

func (a *answer) close() {
	if a.leave != nil {
		a.leave()
	}
	if a.forget != nil {
		a.forget()
	}
	_, _ = io.CopyN(io.Discard, a.resp.Body, 4096) // lets the connection be used again
	_ = a.resp.Body.Close()
	if a.tie != nil {
		a.tie.cut()
		a.tie.end(context.Canceled)
	}
}

// tie makes a request to the origin end with the fill that made it, until the
// answer is handed to a viewer.
type tie struct {
	cut func() bool
	end context.CancelCauseFunc
}

func tied(ctx context.Context) (context.Context, *tie) {
	own, end := context.WithCancelCause(context.WithoutCancel(ctx))
	return own, &tie{context.AfterFunc(ctx, func() { end(context.Cause(ctx)) }), end}
}

// askOrigin begins a fetch from the origin. have is the stale copy, if any: the
// answer can be 304 then.
func (f *Fetcher) askOrigin(ctx context.Context, o fetchRequest, have *segstore.Meta, rest rest) (*answer, error) {
	ctx, tie := tied(ctx)
	a, err := f.doOrigin(o.hand.traced(ctx), f.origins.request(o, have, rest), o, rest.at)
	if err != nil {
		tie.end(context.Canceled)
		return nil, err
	}
	a.tie = tie
	return a, nil
}

// rest is what is asked for of an object whose beginning is here; all of it: the zero
// value.
type rest struct {
	at          int64  // the byte to begin at
	tag         string // the validator that must still hold, where at > 0
	first, last string // upstream.Request's
}

// maxShared bounds the fields of an answer that is given to all who wait, in bytes.
const maxShared = 12 << 10

// origins are asked as this edge.
type origins struct {
	*upstream.Upstreams
	name, loopID string
	asked        *atomic.Int64
	deadly       *deadly.Record
	now          func() time.Time
}

// request is one for an object, for all who want it.
func (w origins) request(o fetchRequest, have *segstore.Meta, rest rest) *upstream.Request {
	h := http.Header{}
	rules.ForAll(h, o.asker, o.plainly)
	if len(o.loop) > 0 {
		h["Cdn-Loop"] = slices.Clone(o.loop)
	}
	w.mark(h)
	if have != nil {
		if tag := rules.OriginTag(have.ETag); tag != "" {
			h.Set("If-None-Match", tag)
		}
		if have.LastModified != "" {
			h.Set("If-Modified-Since", have.LastModified)
		}
	}
	begin, end, part := spanOf(o.key, rest.at)
	switch {
	case part && end < math.MaxInt64:
		h.Set("Range", "bytes="+strconv.FormatInt(begin, 10)+"-"+strconv.FormatInt(end, 10))
	case part:
		h.Set("Range", "bytes="+strconv.FormatInt(begin, 10)+"-")
	case rest.at > 0:
		h.Set("Range", "bytes="+strconv.FormatInt(rest.at, 10)+"-")
	}
	if tag := rules.IfRange(rest.tag); rest.at > 0 && tag != "" {
		h.Set("If-Range", tag)
	}
	method := http.MethodGet
	if rules.IsHead(o.key) {
		method = http.MethodHead
	}
	return &upstream.Request{Method: method, Target: rules.TargetOf(o.key), Header: h, First: rest.first, Last: rest.last}
}

// mark says by whom a request to the origin comes (RFC 9110 section 7.6.3, RFC
// 8586).
func (w origins) mark(h http.Header) {
	h.Add("Via", "1.1 "+w.name)
	h.Add("CDN-Loop", w.loopID+`; edge="`+strings.ReplaceAll(w.name, `\`, `\\`)+`"`)
	if h.Get("User-Agent") == "" {
		h.Set("User-Agent", "tandem")
	}
}

// unmarked is what was sent of a viewer's fields: without the marks.
func unmarked(h, asker http.Header) http.Header {
	if h = maps.Clone(h); asker.Get("User-Agent") == "" {
		delete(h, "User-Agent")
	}
	for _, name := range []string{"Via", "Cdn-Loop"} {
		if n := len(h[name]) - 1; n > 0 {
			h[name] = h[name][:n]
		} else {
			delete(h, name)
		}
	}
	return h
}

// doOrigin sends a request to the origin and reads the head of the answer.
func (f *Fetcher) doOrigin(ctx context.Context, r *upstream.Request, o fetchRequest, first int64) (*answer, error) {
	resp, err := f.origins.send(ctx, r)
	if err != nil {
		return nil, err
	}
	if r.Header.Get("Range") == "" {
		rules.AllOf(resp)
	}
	now, h := f.now(), resp.Header
	rules.OwnUp(h, r.Header, o.key)
	kind := f.manifests.KindOf(r.Target, h.Get("Content-Type"))
	a := &answer{resp: resp, from: "origin", by: upstream.Server(resp), meta: metaOf(resp, o.key)}
	a.head = rules.Head{
		Status: resp.StatusCode, Header: h, Kind: kind, Authorised: r.Header["Authorization"] != nil, Empty: resp.ContentLength == 0,
	}
	a.meta.Stored = now.Add(-rules.AgeOf(h))
	if !strings.HasPrefix(a.meta.ETag, `"`) {
		a.meta.ETag = rules.MadeTag(a.meta.ETag)
	}
	a.meta.Vary = rules.SelectionOf(resp.StatusCode, h, unmarked(r.Header, o.asker), rules.ForAll(http.Header{}, o.asker, o.plainly), rules.HasCredentials(o.asker)) // as it was sent: a viewer may list fields in Connection
	a.meta.Fields = rules.LinesOf(h, now)
	tags, few := rules.TagsOf(h)
	a.meta.Tags, a.transient = tags, !few
	if err := a.settlePart(o.key, first); err != nil {
		a.close()
		return nil, err
	}
	a.classify(now)
	a.meta.Stream = StreamOf(f.view.Placement(), rules.PathOf(o.key))
	if resp.ContentLength < 0 && resp.Close && !chunked(resp) && resp.ProtoMajor == 1 && !rules.IsHead(o.key) {
		a.transient = true // its end can't be told from a broken connection
	}
	if n := len(a.meta.Fields); n > rules.MaxFields {
		a.transient = true
		a.rules.Store = a.rules.Store && n <= maxShared
	}
	if a.rules.Fresh > rules.MissingLife && toCome(f, resp.StatusCode, o.key, r.Target) {
		a.rules.Fresh = rules.MissingLife
		a.meta.Fresh = now.Add(a.rules.Fresh)
	}
	return a, nil
}

// toCome tells whether an answer says that what is asked for is not there yet.
func toCome(f *Fetcher, status int, key, target string) bool {
	switch status {
	case http.StatusNotFound, http.StatusGone:
		return f.manifests.Upcoming(target)
	case http.StatusRequestedRangeNotSatisfiable: // of a file that grows
		_, of := rules.RangeOf(key)
		return of
	}
	return false
}

// classify finds what the head allows.
func (a *answer) classify(now time.Time) {
	a.rules = rules.Of(a.head, now)
	a.meta.Fresh = now.Add(a.rules.Fresh)
	a.meta.Volatile = a.head.Status != http.StatusOK || a.rules.Fresh < 2*time.Second && media.IsPlaylist(a.head.Kind) || a.head.Empty && a.head.Kind != media.Other
}

// send asks the origin.
func (w origins) send(ctx context.Context, r *upstream.Request) (*http.Response, error) {
	if w.deadly.Of(r.Target, w.now()) {
		return nil, ErrDeadly
	}
	w.asked.Add(1)
	resp, err := w.Do(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrOrigin, err)
	}
	w.deadly.Answered(r.Target)
	return resp, nil
}

func chunked(resp *http.Response) bool {
	return len(resp.TransferEncoding) > 0 && resp.TransferEncoding[0] == "chunked"
}

// metaOf is what the head says of the object, the origin's and a neighbour's.
func metaOf(resp *http.Response, key string) segstore.Meta {
	h := resp.Header
	m := segstore.Meta{
		Status: resp.StatusCode, ContentType: h.Get("Content-Type"), ETag: h.Get("ETag"), LastModified: h.Get("Last-Modified"),
		CacheControl: joined(h, "Cache-Control"), Encoding: joined(h, "Content-Encoding"), Expires: h.Get("Expires"), Size: resp.ContentLength,
		Digest: h.Get(wire.HeaderDigest),
	}
	if m.ContentType == "" {
		m.ContentType = media.ContentType(rules.PathOf(key))
	}
	return m
}

// joined is a list field as one line (RFC 9110 section 5.3).
func joined(h http.Header, name string) string { return strings.Join(h[name], ", ") }

// told is a time that a neighbour says, by this edge's clock.
func told(f *Fetcher, text string) time.Time {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMilli(n).Add(f.clock.Ahead())
}

// StreamOf is the stream that a path belongs to where no session says it; "": none.
func StreamOf(p *wire.Placement, path string) string {
	stream, _ := p.StreamOf(path)
	return stream
}
