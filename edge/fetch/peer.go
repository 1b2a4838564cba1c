package fetch

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"tandem/edge/entire"
	"tandem/edge/rules"
	"tandem/internal/call"
	"tandem/internal/h1"
	"tandem/internal/names"
	"tandem/internal/wire"
	"tandem/segstore"
)

// newPeers makes the client for neighbours. Who is silent is found out by
// askPeerSoon.
func newPeers(by *call.Client) *http.Client {
	return &http.Client{
		Transport: by.Named(&http.Transport{
			DialContext:         names.Of(&net.Dialer{Timeout: 2 * time.Second, KeepAlive: 15 * time.Second}),
			MaxIdleConnsPerHost: 64,
			IdleConnTimeout:     60 * time.Second,
			DisableCompression:  true, // bytes are kept as they are
			ReadBufferSize:      64 << 10,
		}),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// askPeer begins a fetch from a neighbour, which answers from its store, or by
// asking the origin when onlyCached is false, and never asks a peer itself.
func (f *Fetcher) askPeer(ctx context.Context, peer string, o fetchRequest, onlyCached bool) (*answer, error) {
	p := f.view.Placement()
	edge, ok := p.Edge(peer)
	if !ok {
		return nil, fmt.Errorf("%w: no edge %q", ErrNotHere, peer)
	}
	req, err := objectRequest(ctx, http.MethodGet, edge, o.key, nil)
	if err != nil {
		return nil, err
	}
	if rules.ForAll(req.Header, o.asker, o.plainly); req.Header["User-Agent"] == nil {
		req.Header.Set("User-Agent", "") // Go's client says nothing of itself: it is no viewer's
	}
	f.call.Sign(req)
	req.Header.Set(wire.HeaderPair, strconv.Itoa(int(o.pair)))
	if part := rules.PartSaid(o.key); part != "" {
		req.Header.Set(wire.HeaderSlice, part)
	}
	led(f, req.Header, o.key)
	if rules.HasCredentials(o.asker) {
		req.Header.Set(wire.HeaderCredentials, "1")
	}
	if onlyCached {
		req.Header.Set(wire.HeaderCached, "1")
		if o.stale {
			req.Header.Set(wire.HeaderStale, "1")
		}
	} else if o.hand.open() {
		req.Header.Set(wire.HeaderPass, "1")
	}
	resp, err := f.peers.Do(req)
	if err != nil {
		return nil, err
	}
	a := &answer{resp: resp, from: peer}
	if err := outdated(f, resp.Header, peer, o.key); err != nil {
		a.close()
		return nil, err
	}
	if resp.Header.Get(wire.HeaderStored) == "" {
		if a.passed = resp.Header.Get(wire.HeaderPassed) == "1"; a.passed {
			a.meta = metaOf(resp, o.key)
			return a, nil
		}
		a.close()
		return nil, refused(resp, peer, o.hand)
	}
	a.meta = metaOf(resp, o.key)
	a.meta.Fields, a.meta.Vary = fieldsSent(resp.Header), resp.Header.Get(wire.HeaderSelection)
	a.meta.Tags = tagsSent(resp.Header)
	a.meta.Stored = told(f, resp.Header.Get(wire.HeaderStored))
	if fresh := resp.Header.Get(wire.HeaderFresh); fresh != "" {
		a.meta.Fresh = told(f, fresh)
	}
	a.meta.Rebase(f.now())
	a.meta.Volatile = resp.Header.Get(wire.HeaderVolatile) == "1"
	a.meta.Stream = StreamOf(p, rules.PathOf(o.key))
	a.rules.Store, a.transient = true, resp.Header.Get(wire.HeaderTransient) == "1"
	return a, nil
}

// led tells a neighbour by what name an object was asked for first, where the origin led on.
func led(f *Fetcher, h http.Header, key string) {
	if from, ok := f.manifests.Redirects.Named(rules.TargetOf(key)); ok {
		h.Set(wire.HeaderLed, from)
	}
}

// refused tells why a neighbour gives no object.
func refused(resp *http.Response, peer string, hand *passThrough) error {
	if status, err := strconv.Atoi(resp.Header.Get(wire.HeaderPassed)); err == nil {
		hand.note(status)
		return ErrPass
	}
	if err := entire.Heard(resp.Header.Get(wire.HeaderSlice)); err != nil {
		return err
	}
	return fmt.Errorf("%w: %s answers %s", ErrNotHere, peer, resp.Status)
}

// outdated tells why what a neighbour has may be what was purged, or pushed over.
func outdated(f *Fetcher, said http.Header, peer, key string) error {
	if purged, _ := strconv.ParseUint(said.Get(wire.HeaderPurged), 10, 64); purged < f.purged.Load() {
		return fmt.Errorf("%w: %s has not carried out the last purge yet", ErrNotHere, peer)
	}
	if f.Pushed.Old(said, rules.TargetOf(key)) {
		return fmt.Errorf("%w: %s has not heard of the last push of it yet", ErrNotHere, peer)
	}
	return nil
}

// objectRequest asks a neighbour for an object, or gives it one, by the key as it
// is.
func objectRequest(ctx context.Context, method string, edge wire.Edge, key string, body io.Reader) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, edge.HTTP, body)
	if err == nil {
		req.URL = h1.URL(req.URL.Scheme, req.URL.Host, wire.PathObject+rules.TargetOf(key))
	}
	return req, err
}

// tagsSent reads wire.HeaderTags: white space around a value does not travel.
func tagsSent(h http.Header) segstore.Tags {
	if text := h.Get(wire.HeaderTags); text != "" && len(text) <= rules.MaxTags {
		return segstore.Tags(" " + strings.Trim(text, " ") + " ")
	}
	return ""
}

// fieldsSent reads wire.HeaderFields.
func fieldsSent(h http.Header) string {
	text, err := base64.StdEncoding.DecodeString(h.Get(wire.HeaderFields))
	if err != nil {
		return ""
	}
	return string(text)
}

// askPeerSoon is askPeer with a limit on silence: the neighbour answers, or says
// that it waits, or it is given up.
func (f *Fetcher) askPeerSoon(ctx context.Context, peer string, o fetchRequest, onlyCached bool) (*answer, error) {
	if f.view.BacksOff(peer) {
		return nil, fmt.Errorf("%w: %s was silent a moment ago", ErrNotHere, peer)
	}
	ctx, tie := tied(ctx)
	limit := f.cfg.PeerSilent
	watch := time.AfterFunc(limit, func() { tie.end(fmt.Errorf("%s is silent", peer)) })
	trace := &httptrace.ClientTrace{Got1xxResponse: func(status int, h textproto.MIMEHeader) error {
		if watch.Reset(limit); status != http.StatusProcessing && o.hand != nil {
			o.hand.interim(status, http.Header(h)) // what the origin says
		}
		return nil
	}}
	var asked atomic.Bool
	trace.GotConn = func(httptrace.GotConnInfo) { asked.Store(!onlyCached) }
	a, err := f.askPeer(httptrace.WithClientTrace(ctx, trace), peer, o, onlyCached)
	if !watch.Stop() && err == nil {
		a.close()
		err = context.Cause(ctx)
	}
	if err != nil {
		if !said(err) && ctx.Err() == nil || !errors.Is(context.Cause(ctx), context.Canceled) && ctx.Err() != nil {
			f.view.BackOff(peer)
		}
		if tie.end(context.Canceled); asked.Load() && !said(err) {
			f.Deadly.Broke(rules.TargetOf(o.key), peer)
		}
		return nil, err
	}
	a.tie = tie
	return a, nil
}

// said tells that a neighbour has answered, by a refusal.
func said(err error) bool {
	return errors.Is(err, ErrNotHere) || errors.Is(err, ErrWhole) || errors.Is(err, ErrPass)
}

// PeerRange asks a neighbour for the bytes from first to last of the version
// etag.
func (f *Fetcher) PeerRange(ctx context.Context, edge wire.Edge, key string, pair wire.PairID, onlyCached bool, first, last int64, etag string) (*http.Response, error) {
	req, err := objectRequest(ctx, http.MethodGet, edge, key, nil)
	if err != nil {
		return nil, err
	}
	f.call.Sign(req)
	req.Header.Set(wire.HeaderPair, strconv.Itoa(int(pair)))
	if onlyCached {
		req.Header.Set(wire.HeaderCached, "1")
	}
	ranged(req.Header, first, last, etag)
	return f.peers.Do(req)
}

// OriginRange asks the origin for the bytes from first to last of the version
// etag.
func (f *Fetcher) OriginRange(ctx context.Context, key string, first, last int64, etag string) (*http.Response, error) {
	r := f.origins.request(fetchRequest{key: key}, nil, rest{})
	ranged(r.Header, first, last, rules.IfRange(etag))
	return f.origins.send(ctx, r)
}

func ranged(h http.Header, first, last int64, etag string) {
	if h.Set("Range", fmt.Sprintf("bytes=%d-%d", first, last)); etag != "" {
		h.Set("If-Range", etag)
	}
}
