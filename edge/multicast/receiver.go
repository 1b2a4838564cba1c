package multicast

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"tandem/edge/clock"
	"tandem/edge/fetch"

	"tandem/edge/rules"

	"github.com/rs/zerolog"
	"golang.org/x/net/ipv4"

	"tandem/internal/cachekey"
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
	Old         = time.Minute     // a datagram older than this is a replay
)

// MulticastConfig is what a Receiver is set to.
type Config struct {
	Group         string                                  // UDP group and port
	Interface     string                                  // "": as the system's routes say
	Listen        string                                  // this edge's own address; on loopback the group is joined there
	Keys          func(id uint8) (secret []byte, ok bool) // of datagrams
	Query         cachekey.Query                          // of objects' names
	OriginTimeout time.Duration

	Lose       func() bool   // in tests: whether the next datagram is lost
	PeerRepair time.Duration // in place of repairByPeer, in tests that count what the origin sends
	Room       int64         // in place of assemblyBytes, in tests
}

// MulticastDeps is what a Receiver stands on.
type Deps struct {
	Logger zerolog.Logger
	Now    func() time.Time
	Clock  *clock.Clock
	Store  *segstore.Store
	View   *fetch.View
	Fetch  *fetch.Fetcher
	Name   string // of this edge
}

// Receiver is this edge's membership in the multicast group to which the origin
// sends objects once for all members (claim 6).
type Receiver struct {
	cfg        Config
	name       string
	log        zerolog.Logger
	now        func() time.Time
	clock      *clock.Clock
	store      *segstore.Store
	view       *fetch.View
	fetch      *fetch.Fetcher
	addr       netip.AddrPort
	at         *net.Interface // nil: as the system's routes say
	joined     atomic.Bool
	assemblies assemblies
	opener     *wire.DatagramOpener // owned by hear

	Counts Counts
}

// MulticastCounts are figures since the start.
type Counts struct{ Datagrams, Foreign, Replayed, GapsAsked atomic.Int64 }

// NewReceiver makes one; it joins nothing before Run.
func New(cfg Config, deps Deps) (*Receiver, error) {
	m := &Receiver{
		cfg: cfg, name: deps.Name, log: deps.Logger, now: deps.Now, clock: deps.Clock, store: deps.Store, view: deps.View, fetch: deps.Fetch,
		assemblies: assemblies{all: map[uint64]*assembly{}, room: cmp.Or(cfg.Room, assemblyBytes)}, opener: wire.NewDatagramOpener(cfg.Keys),
	}
	m.addr, _ = netip.ParseAddrPort(cfg.Group)
	var err error
	if m.at, err = wire.GroupInterface(cfg.Interface, cfg.Listen); err != nil {
		return nil, fmt.Errorf("--multicast-interface: %s: %w", cfg.Interface, err)
	}
	return m, nil
}

// Joined tells whether the group is heard now.
func (m *Receiver) Joined() bool { return m.joined.Load() }

// Destination is what the origin is told, "" while the group is not heard.
func (m *Receiver) Destination() string {
	if !m.Joined() {
		return ""
	}
	return fetch.GroupScheme + m.cfg.Group
}

// join opens the socket on which the group is heard.
func (m *Receiver) join() (*net.UDPConn, error) {
	socket, err := net.ListenMulticastUDP("udp4", m.at, net.UDPAddrFromAddrPort(m.addr))
	if err != nil {
		return nil, err
	}
	_ = socket.SetReadBuffer(groupBuffer) // less: more is lost and asked for
	return socket, nil
}

// Run hears the group until ctx ends. While it can't be joined the
// edge fills by HTTP alone.
func (m *Receiver) Run(ctx context.Context) error {
	var under sync.WaitGroup
	defer under.Wait()
	for ctx.Err() == nil {
		socket, err := m.join()
		if err == nil {
			m.joined.Store(true)
			stop := context.AfterFunc(ctx, func() { _ = socket.Close() })
			err = m.hear(ctx, socket, &under)
			m.joined.Store(false)
			stop()
			_ = socket.Close()
		}
		if ctx.Err() != nil {
			return nil
		}
		m.log.Error().Err(err).Stringer("group", m.addr).Msg("the multicast group is not heard; objects are filled by HTTP; see --multicast-group, --multicast-interface")
		select {
		case <-ctx.Done():
		case <-time.After(groupAgain):
		}
	}
	return nil
}

// hear takes datagrams until the socket fails.
func (m *Receiver) hear(ctx context.Context, socket *net.UDPConn, under *sync.WaitGroup) error {
	batch := make([]ipv4.Message, groupBatch)
	for i := range batch {
		batch[i].Buffers = [][]byte{make([]byte, wire.MaxDatagram+1)}
	}
	packets := ipv4.NewPacketConn(socket)
	swept := time.Now()
	for {
		if now := time.Now(); now.Sub(swept) >= groupSweep {
			m.assemblies.sweep(now)
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
		for _, message := range batch[:n] {
			m.takeDatagram(ctx, message.Buffers[0][:message.N], under)
		}
	}
}

// takeDatagram puts one datagram where it belongs. The first one of an object
// that nobody here asked for begins its fill.
func (m *Receiver) takeDatagram(ctx context.Context, b []byte, under *sync.WaitGroup) {
	d, err := m.opener.Open(b)
	switch {
	case errors.Is(err, wire.ErrReplayed):
		m.Counts.Replayed.Add(1)
		return
	case err != nil:
		m.Counts.Foreign.Add(1)
		return
	case m.cfg.Lose != nil && m.cfg.Lose():
		return
	}
	m.Counts.Datagrams.Add(1)
	now := time.Now()
	a := m.assemblies.find(d.Object)
	if a == nil {
		pair, ok := m.wanted(&d)
		if !ok {
			return
		}
		if a = m.assemblies.begin(d, now); a == nil {
			return // no room: the comparison of inventories makes up for it
		}
		if !m.store.Filling(d.Key) {
			under.Go(func() { m.fillFromGroup(ctx, a, pair) })
		}
	}
	if d.Total == a.head.Total && d.Digest == a.head.Digest {
		a.add(d.Offset, d.Body, now, true)
	}
}

// wanted tells whether an object is one that this edge holds by the placement
// and does not have, and by which pair.
func (m *Receiver) wanted(d *wire.Datagram) (wire.PairID, bool) {
	key, ok := cachekey.Of(d.Key)
	urlPath := cachekey.Path(key)
	if age := m.clock.Now().Sub(time.UnixMilli(d.Sent)); !ok || m.cfg.Query.Apply(key) != d.Key || age.Abs() > Old || media.IsPlaylist(media.KindOf(urlPath, d.Type)) {
		return 0, false
	}
	id := m.view.PairOf(urlPath)
	q, ok := m.view.Placement().Pair(id)
	if !ok || q.Low != m.name && q.High != m.name || m.store.Has(key) {
		return 0, false
	}
	return id, true
}

// fillFromGroup stores an object that another one asked the origin for.
func (m *Receiver) fillFromGroup(ctx context.Context, a *assembly, pair wire.PairID) {
	key := a.head.Key
	err := m.store.Fill(ctx, key, func(ctx context.Context, sink *segstore.Sink) error {
		if !a.claim() {
			return fetch.ErrNotHere
		}
		defer m.assemblies.end(a)
		meta, store := m.metaOfGroup(&a.head)
		if !store {
			return fetch.ErrPass
		}
		meta.Pairs = segstore.Pair(uint32(pair))
		if err := sink.Begin(meta); err != nil {
			return err
		}
		sink.Detach()
		return m.gather(ctx, sink, key, pair, a)
	})
	if err != nil && !errors.Is(err, segstore.ErrClosed) && ctx.Err() == nil {
		m.log.Debug().Err(err).Str("key", key).Msg("object from the group is not stored")
	}
}

// metaOfGroup is what a datagram says of its object: no other fields, at whichever
// member, so that both answer alike.
func (m *Receiver) metaOfGroup(d *wire.Datagram) (segstore.Meta, bool) {
	now := m.now()
	h := http.Header{"Cache-Control": {d.Caching}}
	r := rules.Of(rules.Head{Status: http.StatusOK, Header: h, Kind: media.KindOf(rules.PathOf(d.Key), d.Type)}, now)
	return segstore.Meta{
		Status: http.StatusOK, ContentType: d.Type, ETag: d.ETag, LastModified: d.Changed, CacheControl: d.Caching, Size: d.Total,
		Digest: fmt.Sprintf("%x", d.Digest), Stored: now, Fresh: now.Add(r.Fresh), Stream: fetch.StreamOf(m.view.Placement(), rules.PathOf(d.Key)),
	}, r.Store
}
