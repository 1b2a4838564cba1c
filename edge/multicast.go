package edge

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tandem/edge/rules"

	"golang.org/x/net/ipv4"

	"tandem/internal/media"
	"tandem/internal/wire"
	"tandem/segstore"
)

// Limits of the group.
const (
	groupBatch  = 64              // datagrams a read
	groupBuffer = 8 << 20         // bytes that the kernel keeps, if it lets us
	groupSweep  = time.Second     // how often what nobody fills from is looked for
	groupAgain  = 2 * time.Second // after the group could not be joined
	groupOld    = time.Minute     // a datagram older than this is a replay
)

// group is this edge's membership in the multicast group to which the origin
// sends objects once for all members (claim 6).
type group struct {
	addr       netip.AddrPort
	at         *net.Interface // nil: as the system's routes say
	codec      *wire.DatagramCodec
	joined     atomic.Bool
	lose       func() bool // in tests; owned by receiveMulticast
	assemblies assemblies
}

func newGroup(cfg *Config) (*group, error) {
	g := &group{lose: cfg.lose, assemblies: assemblies{all: map[uint64]*assembly{}}}
	if cfg.Duplication != DuplicateMulticast || !cfg.Secret.Valid() {
		return g, nil
	}
	g.codec = cfg.Secret.Datagrams()
	g.addr, _ = netip.ParseAddrPort(cfg.MulticastGroup)
	var err error
	if g.at, err = wire.GroupInterface(cfg.MulticastInterface, cfg.Listen); err != nil {
		return nil, fmt.Errorf("--multicast-interface: %s: %w", cfg.MulticastInterface, err)
	}
	return g, nil
}

// join opens the socket on which the group is heard.
func (g *group) join() (*net.UDPConn, error) {
	socket, err := net.ListenMulticastUDP("udp4", g.at, net.UDPAddrFromAddrPort(g.addr))
	if err != nil {
		return nil, err
	}
	_ = socket.SetReadBuffer(groupBuffer) // less: more is lost and asked for
	return socket, nil
}

// receiveMulticast hears the group until ctx ends. While it can't be joined the
// edge fills by HTTP alone.
func (e *Edge) receiveMulticast(ctx context.Context) error {
	var under sync.WaitGroup
	defer under.Wait()
	for ctx.Err() == nil {
		socket, err := e.group.join()
		if err == nil {
			e.group.joined.Store(true)
			stop := context.AfterFunc(ctx, func() { _ = socket.Close() })
			err = e.hear(ctx, socket, &under)
			e.group.joined.Store(false)
			stop()
			_ = socket.Close()
		}
		if ctx.Err() != nil {
			return nil
		}
		e.log.Error().Err(err).Stringer("group", e.group.addr).Msg("the multicast group is not heard; objects are filled by HTTP; see --multicast-group, --multicast-interface")
		select {
		case <-ctx.Done():
		case <-time.After(groupAgain):
		}
	}
	return nil
}

// hear takes datagrams until the socket fails.
func (e *Edge) hear(ctx context.Context, socket *net.UDPConn, under *sync.WaitGroup) error {
	batch := make([]ipv4.Message, groupBatch)
	for i := range batch {
		batch[i].Buffers = [][]byte{make([]byte, wire.MaxDatagram+1)}
	}
	packets := ipv4.NewPacketConn(socket)
	swept := time.Now()
	for {
		if now := time.Now(); now.Sub(swept) >= groupSweep {
			e.group.assemblies.sweep(now)
			swept = now
		}
		if err := socket.SetReadDeadline(time.Now().Add(groupSweep)); err != nil {
			return err
		}
		n, err := packets.ReadBatch(batch, 0)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			continue
		}
		if err != nil {
			return err
		}
		for _, m := range batch[:n] {
			e.takeDatagram(ctx, m.Buffers[0][:m.N], under)
		}
	}
}

// takeDatagram puts one datagram where it belongs. The first one of an object
// that nobody here asked for begins its fill.
func (e *Edge) takeDatagram(ctx context.Context, b []byte, under *sync.WaitGroup) {
	g := e.group
	d, err := g.codec.Open(b)
	if err != nil || g.lose != nil && g.lose() {
		return
	}
	e.counts.datagrams.Add(1)
	now := time.Now()
	a := g.assemblies.find(d.Object)
	if a == nil {
		pair, ok := e.wanted(&d)
		if !ok {
			return
		}
		if a = g.assemblies.begin(d, now); a == nil {
			return // no room: the comparison of inventories makes up for it
		}
		if !e.store.Filling(d.Key) {
			under.Go(func() { e.fillFromGroup(ctx, a, pair) })
		}
	}
	if d.Total == a.head.Total && d.Digest == a.head.Digest {
		a.add(d.Offset, d.Body, now, true)
	}
}

// wanted tells whether an object is one that this edge holds by the placement
// and does not have, and by which pair.
func (e *Edge) wanted(d *wire.Datagram) (wire.PairID, bool) {
	urlPath, query, _ := strings.Cut(d.Key, "?")
	key, ok := rules.KeyOf(urlPath, query)
	if age := e.now().Sub(time.UnixMilli(d.Sent)); !ok || key != d.Key || age.Abs() > groupOld || media.IsPlaylist(media.KindOf(urlPath, d.Type)) {
		return 0, false
	}
	id := e.pairOf(urlPath)
	q, ok := e.placement().Pair(id)
	if !ok || q.Low != e.cfg.Name && q.High != e.cfg.Name || e.store.Has(key) {
		return 0, false
	}
	return id, true
}

// fillFromGroup stores an object that another one asked the origin for.
func (e *Edge) fillFromGroup(ctx context.Context, a *assembly, pair wire.PairID) {
	key := a.head.Key
	err := e.store.Fill(ctx, key, func(ctx context.Context, sink *segstore.Sink) error {
		if !a.claim() {
			return errNotHere
		}
		defer e.group.assemblies.end(a)
		meta, rules := e.metaOfGroup(&a.head)
		if !rules.Store {
			return errPass
		}
		if err := sink.Begin(meta); err != nil {
			return err
		}
		sink.Detach()
		return e.gather(ctx, sink, key, pair, a)
	})
	if err != nil && !errors.Is(err, segstore.ErrClosed) && ctx.Err() == nil {
		e.log.Debug().Err(err).Str("key", key).Msg("object from the group is not stored")
	}
}

// metaOfGroup is what a datagram says of its object: no other fields, at whichever
// member, so that both answer alike.
func (e *Edge) metaOfGroup(d *wire.Datagram) (segstore.Meta, rules.Rules) {
	now := e.now()
	h := http.Header{"Cache-Control": {d.Caching}}
	r := rules.Of(rules.Head{Status: http.StatusOK, Header: h, Kind: media.KindOf(rules.PathOf(d.Key), d.Type)}, now)
	return segstore.Meta{
		Status: http.StatusOK, ContentType: d.Type, ETag: d.ETag, LastModified: d.Changed, CacheControl: d.Caching, Size: d.Total,
		Digest: fmt.Sprintf("%x", d.Digest), Stored: now, Fresh: now.Add(r.Fresh), Stream: streamOf(e.placement(), rules.PathOf(d.Key)),
	}, r
}
