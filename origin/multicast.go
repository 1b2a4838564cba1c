package origin

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/net/ipv4"

	"tandem/internal/h1"
	"tandem/internal/media"
	"tandem/internal/wire"
)

const (
	multicastQueue = 256 // objects that wait; each holds a file open
	// multicastBehind is how far the group may be behind the answers: longer, and
	// the edges would ask for what is still to come.
	multicastBehind = 250 * time.Millisecond
	// multicastAhead is how far sending may run ahead of the rate.
	multicastAhead = 2 * time.Millisecond
)

// multicast sends objects to groups, once for all who have joined (claim 6). Who
// asked gets a head alone; what is lost on the way the members ask for by HTTP
// ranges. One object after the other: so each is complete as early as can be.
type multicast struct {
	origin  *Origin
	sealer  *wire.DatagramSealer
	at      *net.Interface // nil: as the system's routes say
	jobs    chan sending
	waiting atomic.Int64 // bytes taken on and not sent yet
	free    time.Time    // owned by run: when what was sent so far is within the rate
}

// sending is one object on its way to a group.
type sending struct {
	found *object // closed by whoever has the sending
	head  *wire.Datagram
	to    netip.AddrPort
}

func newMulticast(o *Origin, at *net.Interface) *multicast {
	m := &multicast{origin: o, at: at, jobs: make(chan sending, multicastQueue), sealer: wire.NewDatagramSealer()}
	switch {
	case o.member != nil:
		o.member.seals = m.sealer // by the keys that balancers give
	case o.deps.Secret.Valid():
		m.sealer.Use(o.deps.Secret.DatagramKey())
	}
	return m
}

// group tells whether the origin sends datagrams to such an address: to a
// multicast group, or on this machine.
func group(to *url.URL) (netip.AddrPort, bool) {
	addr, err := netip.ParseAddrPort(to.Host)
	if err != nil || addr.Port() == 0 || !addr.Addr().Is4() {
		return addr, false
	}
	return addr, addr.Addr().IsMulticast() || addr.Addr().IsLoopback()
}

// run sends until ctx ends; what waits then is dropped, and the members ask for
// it.
func (m *multicast) run(ctx context.Context) error {
	defer func() {
		for len(m.jobs) > 0 {
			m.drop(<-m.jobs)
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return nil
		case s := <-m.jobs:
			result := "done"
			if err := m.send(ctx, s); err != nil {
				result = "failed"
				m.origin.deps.Logger.Warn().Err(err).Str("path", s.head.Key).Stringer("to", s.to).Msg("object was not sent to the group in full")
			}
			m.drop(s)
			m.origin.metrics.deliveries.WithLabelValues(result).Inc()
		}
	}
}

func (m *multicast) drop(s sending) {
	m.waiting.Add(-s.head.Total)
	s.found.Close()
}

// take takes an object on for a group and writes the head of the answer, which
// has no body. False: the asker gets an ordinary answer, because the object does
// not fit, was asked for in part or under a condition, or the group is too far
// behind.
func (m *multicast) take(w http.ResponseWriter, r *http.Request, to netip.AddrPort, found *object) bool {
	for _, name := range []string{"Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"} {
		if r.Header.Get(name) != "" {
			return false
		}
	}
	if !m.sealer.Ready() {
		return false // there is no cluster, or it has said nothing yet
	}
	head, err := m.head(found, r)
	if err != nil || !head.Fits() || head.Total == 0 {
		return false
	}
	before := m.waiting.Add(head.Total) - head.Total
	if before > 0 && before+head.Total > m.origin.config.MulticastRate*int64(multicastBehind)/int64(time.Second) {
		m.waiting.Add(-head.Total)
		m.origin.metrics.deliveries.WithLabelValues("dropped").Inc()
		return false
	}
	// Written before the first datagram can be on its way.
	h := w.Header()
	h.Set(wire.HeaderMulticast, fmt.Sprintf("%016x", head.Object))
	h.Set(wire.HeaderLength, strconv.FormatInt(head.Total, 10))
	if head.Changed != "" {
		h.Set("Last-Modified", head.Changed)
	}
	select {
	case m.jobs <- sending{found, head, to}:
		return true
	default:
		m.waiting.Add(-head.Total)
		m.origin.metrics.deliveries.WithLabelValues("dropped").Inc()
		h.Del(wire.HeaderMulticast)
		h.Del(wire.HeaderLength)
		return false
	}
}

// head is what all datagrams of an object have in common.
func (m *multicast) head(found *object, asked *http.Request) (*wire.Datagram, error) {
	size, err := found.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	if _, err := found.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	key := h1.Target(asked)
	d := &wire.Datagram{
		Object: wire.DatagramObject(key, found.etag), Total: size, Sent: m.origin.deps.Now().UnixMilli(),
		Key: key, ETag: found.etag, Type: media.ContentType(asked.URL.Path), Caching: found.cache,
	}
	if !found.at.IsZero() {
		d.Changed = found.at.UTC().Format(http.TimeFormat)
	}
	_, err = hex.Decode(d.Digest[:], []byte(found.digest))
	return d, err
}

// socket is one to send to groups from.
func (m *multicast) socket() (*net.UDPConn, error) {
	socket, err := net.ListenUDP("udp4", nil)
	if err != nil {
		return nil, err
	}
	options := ipv4.NewPacketConn(socket)
	if m.at != nil {
		err = options.SetMulticastInterface(m.at)
	}
	if err == nil {
		err = options.SetMulticastTTL(m.origin.config.MulticastHops)
	}
	if err == nil {
		err = options.SetMulticastLoopback(true) // members on this machine
	}
	if err != nil {
		socket.Close()
		return nil, err
	}
	return socket, nil
}

// send sends each part once.
func (m *multicast) send(ctx context.Context, s sending) error {
	socket, err := m.socket()
	if err != nil {
		return err
	}
	defer socket.Close()
	d := *s.head
	sent := m.origin.metrics.bytes.WithLabelValues(s.found.kind.String())
	part, datagram := make([]byte, d.Room()), make([]byte, 0, wire.MaxDatagram)
	for d.Offset < d.Total {
		n := min(int64(len(part)), d.Total-d.Offset)
		if _, err := io.ReadFull(s.found, part[:n]); err != nil {
			return err
		}
		d.Body = part[:n]
		datagram = m.sealer.Append(datagram[:0], &d)
		if err := m.pace(ctx, len(datagram)); err != nil {
			return err
		}
		if _, err := socket.WriteToUDPAddrPort(datagram, s.to); err != nil {
			return err
		}
		m.origin.metrics.datagrams.Inc()
		sent.Add(float64(n))
		d.Offset += n
	}
	return nil
}

// pace waits until so many bytes more are within the rate: datagrams know no
// congestion control.
func (m *multicast) pace(ctx context.Context, size int) error {
	now := time.Now()
	if m.free.Before(now) {
		m.free = now
	}
	m.free = m.free.Add(time.Duration(int64(size) * int64(time.Second) / m.origin.config.MulticastRate))
	ahead := m.free.Sub(now)
	if ahead < multicastAhead {
		return nil
	}
	timer := time.NewTimer(ahead)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
