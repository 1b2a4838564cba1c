package edge

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"tandem/edge/rules"

	"golang.org/x/sync/errgroup"

	"tandem/internal/ring"
	"tandem/internal/wire"
	"tandem/segstore"
)

// Limits of a fill from datagrams.
const (
	quietAfter   = 30 * time.Millisecond  // without a datagram: what is missing is lost
	quietFirst   = 500 * time.Millisecond // the same before the first: the origin sends one object after the other
	repairers    = 4                      // ranges asked for at once
	repairByPeer = 300 * time.Millisecond // longest wait for a range from the other member
)

// expectDatagrams reads the head of an answer whose object comes in datagrams.
// False: there is no room for it, or it is not the one that was asked for.
func (e *Edge) expectDatagrams(a *answer, key string) bool {
	h := a.resp.Header
	d := wire.Datagram{
		Key: key, ETag: h.Get("ETag"), Type: a.meta.ContentType, Caching: h.Get("Cache-Control"), Changed: h.Get("Last-Modified"), Sent: e.now().UnixMilli(),
	}
	size, err := strconv.ParseInt(h.Get(wire.HeaderLength), 10, 64)
	digest, digestErr := hex.DecodeString(h.Get(wire.HeaderDigest))
	if err != nil || digestErr != nil || size < 1 || len(digest) != len(d.Digest) || len(d.ETag) < 2 || d.ETag[0] != '"' {
		return false
	}
	d.Object, d.Total = wire.DatagramObject(key, d.ETag), size
	copy(d.Digest[:], digest)
	if h.Get(wire.HeaderMulticast) != fmt.Sprintf("%016x", d.Object) {
		return false
	}
	parts := e.group.assemblies.begin(d, time.Now())
	if parts == nil || !parts.claim() {
		return false
	}
	a.parts, a.forget = parts, func() { e.group.assemblies.end(parts) }
	a.meta, a.rules = e.metaOfGroup(&d)
	a.resp.StatusCode = http.StatusOK
	a.duplicated = true
	return true
}

// gather writes an object that comes in datagrams, in order and as it comes.
// When the group has gone quiet it asks for what is missing.
func (e *Edge) gather(ctx context.Context, sink *segstore.Sink, key string, pair wire.PairID, parts *assembly) error {
	r := repair{edge: e, key: key, pair: pair, parts: parts}
	timer := time.NewTimer(parts.quiet(time.Now()))
	defer timer.Stop()
	for written, tries := int64(0), 0; written < parts.head.Total; {
		if part := parts.from(written); len(part) > 0 {
			n, err := sink.Write(part)
			if written += int64(n); err != nil {
				return err
			}
			continue
		}
		timer.Reset(max(parts.quiet(time.Now()), time.Millisecond))
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-parts.grew:
			continue
		case <-timer.C:
		}
		if parts.quiet(time.Now()) > 0 || len(parts.from(written)) > 0 {
			continue
		}
		if err := r.all(ctx); err != nil {
			if tries++; tries == fillTries || ctx.Err() != nil || errors.Is(err, errChanged) {
				return err
			}
		}
	}
	return nil
}

// repair asks for what of an object was lost on the way.
type repair struct {
	edge   *Edge
	key    string
	pair   wire.PairID
	parts  *assembly
	noPeer atomic.Bool // the other member could not help
}

// all asks for every gap that there is now.
func (r *repair) all(ctx context.Context) error {
	under, ctx := errgroup.WithContext(ctx)
	under.SetLimit(repairers)
	for _, g := range r.parts.gaps() {
		under.Go(func() error { return r.one(ctx, g) })
	}
	return under.Wait()
}

// one asks for one gap: the other member first, so that the origin sends as
// little as can be.
func (r *repair) one(ctx context.Context, g span) error {
	e := r.edge
	e.counts.gapsAsked.Add(1)
	if !r.noPeer.Load() {
		if g.first = r.byPeer(ctx, g); g.first == g.end {
			return nil
		}
		r.noPeer.Store(true)
	}
	ctx, cancel := context.WithTimeout(ctx, e.cfg.OriginTimeout)
	defer cancel()
	req, err := e.originRequest(ctx, r.key, nil, nil, 0, "")
	if err != nil {
		return err
	}
	e.counts.originAsked.Add(1)
	first, err := r.ask(e.origin, req, g)
	if err == nil && first < g.end {
		err = fmt.Errorf("%w: a range up to byte %d ended at %d", errShort, g.end, first)
	}
	return err
}

// byPeer asks the other member, and returns from which byte on the gap is still
// open. Who asks whom is ring.Filler's: so no two ever wait for each other. The
// filler is asked for what it may itself be getting, and asks in its turn only
// for what the other one has in full.
func (r *repair) byPeer(ctx context.Context, g span) int64 {
	e := r.edge
	p := e.placement()
	q, ok := p.Pair(r.pair)
	if !ok {
		return g.first
	}
	filler, _ := ring.Filler(p, q, r.key)
	other, ok := p.Edge(partnerOf(p, q, e.cfg.Name))
	if !ok || e.avoided(other.Name) {
		return g.first
	}
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(e.cfg.peerRepair, repairByPeer))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, other.HTTP+wire.PathObject+rules.TargetOf(r.key), nil)
	if err != nil {
		return g.first
	}
	e.sign(req)
	req.Header.Set(wire.HeaderPair, strconv.Itoa(int(r.pair)))
	if filler != other.Name {
		req.Header.Set(wire.HeaderCached, "1")
	}
	first, _ := r.ask(e.peers, req, g) // the origin has the rest
	return first
}

// ask sends the request for one gap and puts in what comes; it returns from
// which byte on the gap is still open.
func (r *repair) ask(by *http.Client, req *http.Request, g span) (int64, error) {
	req.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", g.first, g.end-1))
	req.Header.Set("If-Range", r.parts.head.ETag)
	resp, err := by.Do(req)
	if err != nil {
		return g.first, fmt.Errorf("%w: %w", errOrigin, err)
	}
	defer func() { _ = resp.Body.Close() }()
	want := fmt.Sprintf("bytes %d-%d/%d", g.first, g.end-1, r.parts.head.Total)
	switch {
	case resp.StatusCode >= 500:
		return g.first, fmt.Errorf("%w: %s", errOrigin, resp.Status)
	case resp.StatusCode != http.StatusPartialContent || resp.Header.Get("Content-Range") != want || resp.Header.Get("ETag") != r.parts.head.ETag:
		return g.first, fmt.Errorf("%w: a range was answered with %s", errChanged, resp.Status)
	}
	buffer := bodyBuffers.Get().(*[]byte)
	defer bodyBuffers.Put(buffer)
	for first := g.first; ; {
		n, err := resp.Body.Read((*buffer)[:min(g.end-first, bodyBuffer)])
		r.parts.add(first, (*buffer)[:n], time.Time{}, false)
		first += int64(n)
		if first == g.end || errors.Is(err, io.EOF) {
			return first, nil
		}
		if err != nil {
			return first, fmt.Errorf("%w: %w", errShort, err)
		}
	}
}
