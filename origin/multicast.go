package origin

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"sync"
	"time"

	"tandem/internal/media"
	"tandem/internal/wire"
)

const (
	// multicastRate bounds what all groups together are sent, in bytes a
	// second: datagrams know no congestion control.
	multicastRate = 200_000_000 / 8
	// multicastAhead is how far sending may run ahead of the rate.
	multicastAhead = 5 * time.Millisecond
)

// multicast sends objects to groups, once for all who have joined (claim 6).
// What is lost on the way the receivers ask for by HTTP ranges.
type multicast struct {
	origin *Origin
	codec  *wire.DatagramCodec // nil: there is no cluster

	mu   sync.Mutex
	free time.Time // guarded by mu; when what was sent so far is within the rate
}

// group tells whether the origin sends datagrams to such an address: to a
// multicast group, or on this machine.
func group(to *url.URL) (netip.AddrPort, bool) {
	addr, err := netip.ParseAddrPort(to.Host)
	if err != nil || addr.Port() == 0 {
		return addr, false
	}
	return addr, addr.Addr().IsMulticast() || addr.Addr().IsLoopback()
}

func (m *multicast) send(ctx context.Context, j job) error {
	addr, ok := group(j.to)
	if !ok || m.codec == nil {
		return fmt.Errorf("%w: %s is no group", errRefused, j.to.Host)
	}
	found, err := m.origin.find(j.path)
	if err != nil {
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	defer found.Close()
	d, err := m.head(found, j)
	if err != nil {
		return err
	}
	socket, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(addr))
	if err != nil {
		return err
	}
	defer socket.Close()
	part, datagram := make([]byte, d.Room()), make([]byte, 0, wire.MaxDatagram)
	for first := true; first || d.Offset < d.Total; first = false {
		n := min(int64(len(part)), d.Total-d.Offset)
		if _, err := io.ReadFull(found, part[:n]); err != nil {
			return err
		}
		d.Body = part[:n]
		datagram = m.codec.Append(datagram[:0], d)
		if err := m.pace(ctx, len(datagram)); err != nil {
			return err
		}
		if _, err := socket.Write(datagram); err != nil {
			return fmt.Errorf("%w: %w", errRefused, err) // a second attempt would send it all again
		}
		m.origin.metrics.datagrams.Inc()
		d.Offset += n
	}
	return nil
}

// head is what all datagrams of an object have in common.
func (m *multicast) head(found *object, j job) (*wire.Datagram, error) {
	size, err := found.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	if _, err := found.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	key := j.path
	if j.query != "" {
		key += "?" + j.query
	}
	d := &wire.Datagram{
		Object: wire.DatagramObject(key, found.etag), Total: size, Sent: m.origin.deps.Now().UnixMilli(),
		Key: key, ETag: found.etag, Type: media.ContentType(j.path), Caching: found.cache,
	}
	if _, err := hex.Decode(d.Digest[:], []byte(found.digest)); err != nil {
		return nil, err
	}
	if d.Room() < 1 || size > wire.MaxDatagramObject {
		return nil, fmt.Errorf("%w: it does not fit into datagrams", errRefused)
	}
	return d, nil
}

// pace waits until so many bytes more are within the rate.
func (m *multicast) pace(ctx context.Context, size int) error {
	m.mu.Lock()
	now := time.Now()
	if m.free.Before(now) {
		m.free = now
	}
	m.free = m.free.Add(time.Duration(size) * time.Second / multicastRate)
	ahead := m.free.Sub(now)
	m.mu.Unlock()
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
