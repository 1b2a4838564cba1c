package multicast

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

	"tandem/edge/fetch"

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
	gatherTries  = 3                      // repairs that bring nothing, before the fill fails
	repairByPeer = 300 * time.Millisecond // longest wait for a range from the other member
)

// Expect reads the head of an answer whose object comes in datagrams. Nil: there
// is no room for it, or it is not the one that was asked for.
func (m *Receiver) Expect(h http.Header, key, contentType string) fetch.Parts {
	d := wire.Datagram{
		Key: key, ETag: h.Get("ETag"), Type: contentType, Caching: h.Get("Cache-Control"), Changed: h.Get("Last-Modified"), Sent: m.now().UnixMilli(),
	}
	size, err := strconv.ParseInt(h.Get(wire.HeaderLength), 10, 64)
	digest, digestErr := hex.DecodeString(h.Get(wire.HeaderDigest))
	if err != nil || digestErr != nil || size < 1 || len(digest) != len(d.Digest) || len(d.ETag) < 2 || d.ETag[0] != '"' {
		return nil
	}
	d.Object, d.Total = wire.DatagramObject(key, d.ETag), size
	copy(d.Digest[:], digest)
	if h.Get(wire.HeaderMulticast) != fmt.Sprintf("%016x", d.Object) {
		return nil
	}
	a := m.assemblies.begin(d, time.Now())
	if a == nil || !a.claim() {
		return nil
	}
	return incoming{a, m}
}

// incoming is an object that this edge asked the origin for.
type incoming struct {
	*assembly
	m *Receiver
}

// Meta is a Parts'.
func (i incoming) Meta() (segstore.Meta, bool) { return i.m.metaOfGroup(&i.head) }

// Gather is a Parts'.
func (i incoming) Gather(ctx context.Context, sink *segstore.Sink, pair wire.PairID) error {
	return i.m.gather(ctx, sink, i.head.Key, pair, i.assembly)
}

// Forget is a Parts'.
func (i incoming) Forget() { i.m.assemblies.end(i.assembly) }

// gather writes an object that comes in datagrams, in order and as it comes.
// When the group has gone quiet it asks for what is missing.
func (m *Receiver) gather(ctx context.Context, sink *segstore.Sink, key string, pair wire.PairID, parts *assembly) error {
	r := repair{m: m, key: key, pair: pair, parts: parts}
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
			if tries++; tries == gatherTries || ctx.Err() != nil || errors.Is(err, fetch.ErrChanged) {
				return err
			}
		}
	}
	return nil
}

// repair asks for what of an object was lost on the way.
type repair struct {
	m      *Receiver
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
	m := r.m
	m.Counts.GapsAsked.Add(1)
	if !r.noPeer.Load() {
		if g.first = r.byPeer(ctx, g); g.first == g.end {
			return nil
		}
		r.noPeer.Store(true)
	}
	ctx, cancel := context.WithTimeout(ctx, m.cfg.OriginTimeout)
	defer cancel()
	resp, err := m.fetch.OriginRange(ctx, r.key, g.first, g.end-1, r.parts.head.ETag)
	first, err := r.take(resp, err, g)
	if err == nil && first < g.end {
		err = fmt.Errorf("%w: a range up to byte %d ended at %d", fetch.ErrShort, g.end, first)
	}
	return err
}

// byPeer asks the other member, and returns from which byte on the gap is still
// open. Who asks whom is ring.Filler's: so no two ever wait for each other. The
// filler is asked for what it may itself be getting, and asks in its turn only
// for what the other one has in full.
func (r *repair) byPeer(ctx context.Context, g span) int64 {
	m := r.m
	p := m.view.Placement()
	q, ok := p.Pair(r.pair)
	if !ok {
		return g.first
	}
	filler, _ := ring.Filler(p, q, r.key)
	other, ok := p.Edge(fetch.PartnerOf(p, q, m.name))
	if !ok || m.view.BacksOff(other.Name) {
		return g.first
	}
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(m.cfg.PeerRepair, repairByPeer))
	defer cancel()
	resp, err := m.fetch.PeerRange(ctx, other, r.key, r.pair, filler != other.Name, g.first, g.end-1, r.parts.head.ETag)
	first, _ := r.take(resp, err, g) // the origin has the rest
	return first
}

// take puts in what an answer brings of one gap; it returns from which byte on
// the gap is still open.
func (r *repair) take(resp *http.Response, err error, g span) (int64, error) {
	if err != nil {
		return g.first, fmt.Errorf("%w: %w", fetch.ErrOrigin, err)
	}
	defer func() { _ = resp.Body.Close() }()
	want := fmt.Sprintf("bytes %d-%d/%d", g.first, g.end-1, r.parts.head.Total)
	switch {
	case resp.StatusCode >= 500:
		return g.first, fmt.Errorf("%w: %s", fetch.ErrOrigin, resp.Status)
	case resp.StatusCode != http.StatusPartialContent || resp.Header.Get("Content-Range") != want || resp.Header.Get("ETag") != r.parts.head.ETag:
		return g.first, fmt.Errorf("%w: a range was answered with %s", fetch.ErrChanged, resp.Status)
	}
	buffer := fetch.Buffers.Get().(*[]byte)
	defer fetch.Buffers.Put(buffer)
	for first := g.first; ; {
		n, err := resp.Body.Read((*buffer)[:min(g.end-first, fetch.BufferSize)])
		r.parts.add(first, (*buffer)[:n], time.Time{}, false)
		first += int64(n)
		if first == g.end || errors.Is(err, io.EOF) {
			return first, nil
		}
		if err != nil {
			return first, fmt.Errorf("%w: %w", fetch.ErrShort, err)
		}
	}
}
