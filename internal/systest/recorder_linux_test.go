package systest

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"maps"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"tandem/bench/lab"
	"tandem/internal/wire"
)

// recorder hears every frame on a lab's bridge.
type recorder struct {
	t      *testing.T
	fd     int
	viewer netip.Addr
	hosts  map[netip.Addr]string
	stop   chan struct{}
	done   chan struct{}

	streams   map[stream]*heard // owned by run until done is closed, as all below
	datagrams [][]byte
	strange   []string
}

// stream is one direction of a connection.
type stream struct{ from, to netip.AddrPort }

// heard is what was said in it, in order.
type heard struct {
	next  uint32 // sequence number of the next byte
	begun bool
	early map[uint32][]byte // segments that came before their turn
	said  []byte
}

// record begins to listen.
func record(t *testing.T, l *lab.Lab, viewer string) *recorder {
	t.Helper()
	r := &recorder{t: t, viewer: netip.MustParseAddr(viewer), hosts: map[netip.Addr]string{}, stop: make(chan struct{}), done: make(chan struct{}), streams: map[stream]*heard{}}
	for name, h := range l.Hosts {
		r.hosts[netip.MustParseAddr(h.IP)] = name
	}
	if out, err := exec.Command("ip", "-n", l.Hub(), "link", "set", "br0", "promisc", "on").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	opened := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends in the hub's namespace
		opened <- r.open("/var/run/netns/" + l.Hub())
	}()
	must(t, <-opened)
	go r.run()
	return r
}

// open opens the socket in the bridge's namespace, to which it then belongs.
func (r *recorder) open(namespace string) error {
	ns, err := unix.Open(namespace, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(ns)
	if err := unix.Setns(ns, unix.CLONE_NEWNET); err != nil {
		return err
	}
	bridge, err := net.InterfaceByName("br0")
	if err != nil {
		return err
	}
	all := binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, unix.ETH_P_ALL))
	if r.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, int(all)); err != nil {
		return err
	}
	return errors.Join(
		unix.SetsockoptInt(r.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 256<<20),
		unix.SetsockoptTimeval(r.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 100_000}),
		unix.Bind(r.fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: bridge.Index}),
	)
}

func (r *recorder) run() {
	defer close(r.done)
	frame := make([]byte, 256<<10)
	for {
		n, _, err := unix.Recvfrom(r.fd, frame, 0)
		if err == nil {
			r.take(frame[:n])
			continue
		}
		select {
		case <-r.stop: // and all that came before it was read
			return
		default:
		}
	}
}

// take reads one frame: Ethernet, IPv4, TCP or UDP.
func (r *recorder) take(f []byte) {
	if len(f) < 34 || binary.BigEndian.Uint16(f[12:]) != 0x0800 {
		return // ARP, IPv6's own
	}
	f = f[14:]
	size, head := int(binary.BigEndian.Uint16(f[2:])), int(f[0]&15)*4
	if size == 0 || size > len(f) {
		size = len(f) // segmented by the card that is none
	}
	protocol, from, to := f[9], netip.AddrFrom4([4]byte(f[12:])), netip.AddrFrom4([4]byte(f[16:]))
	f = f[head:size]
	switch {
	case protocol == unix.IPPROTO_TCP && len(f) >= 20:
		s := stream{netip.AddrPortFrom(from, binary.BigEndian.Uint16(f)), netip.AddrPortFrom(to, binary.BigEndian.Uint16(f[2:]))}
		if r.streams[s] == nil {
			r.streams[s] = &heard{early: map[uint32][]byte{}}
		}
		r.streams[s].take(binary.BigEndian.Uint32(f[4:]), f[13]&2 != 0, f[int(f[12]>>4)*4:])
	case protocol == unix.IPPROTO_UDP && len(f) >= 8:
		r.datagrams = append(r.datagrams, bytes.Clone(f[8:]))
	case protocol != unix.IPPROTO_ICMP && protocol != unix.IPPROTO_IGMP:
		r.strange = append(r.strange, from.String()+" speaks to "+to.String()+" in a protocol that nobody here speaks")
	}
}

// take puts a segment where it belongs.
func (h *heard) take(at uint32, first bool, said []byte) {
	if first {
		h.begun, h.next = true, at+1
		return
	}
	if len(said) == 0 || !h.begun {
		return
	}
	h.early[at] = bytes.Clone(said)
	for again := true; again; {
		again = false
		for at, said := range h.early {
			behind := int32(h.next - at)
			if behind < 0 {
				continue
			}
			delete(h.early, at)
			if int(behind) < len(said) {
				h.said = append(h.said, said[behind:]...)
				h.next += uint32(len(said)) - uint32(behind)
				again = true
			}
		}
	}
}

// end ends the recording, and returns what was heard.
func (r *recorder) end() *recorder {
	r.t.Helper()
	close(r.stop)
	<-r.done
	var stats struct{ packets, drops uint32 }
	size := uint32(unsafe.Sizeof(stats))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(r.fd), unix.SOL_PACKET, unix.PACKET_STATISTICS, uintptr(unsafe.Pointer(&stats)), uintptr(unsafe.Pointer(&size)), 0)
	_ = unix.Close(r.fd)
	if errno != 0 || stats.drops > 0 || stats.packets == 0 {
		r.t.Errorf("%d frames heard and %d lost by the recorder itself (%v)", stats.packets, stats.drops, errno)
	}
	return r
}

var sessionAddress = regexp.MustCompile(`/s/([A-Za-z0-9_-]{20,})/`)

// judge looks for what must not be in it.
func (r *recorder) judge(t *testing.T, secrets map[string][]byte) {
	t.Helper()
	tokens, between := map[string]bool{}, map[string]int{}
	for s, h := range r.streams {
		if s.from.Addr() == r.viewer || s.to.Addr() == r.viewer {
			for _, m := range sessionAddress.FindAllSubmatch(h.said, -1) {
				tokens[string(m[1])] = true
			}
		}
	}
	if len(tokens) < 60 {
		t.Errorf("only %d addresses of sessions were heard beside the viewers: does the recorder hear?", len(tokens))
	}
	inClear := 0
	ofOperators, operators := maps.Clone(secrets), 0 // addresses of sessions are viewers' own
	for token := range tokens {
		secrets["the session "+token] = []byte(token)
	}
	for s, h := range r.streams {
		from, to := r.hosts[s.from.Addr()], r.hosts[s.to.Addr()]
		switch admins := s.from.Port() == 9000 || s.to.Port() == 9000; {
		case admins:
			operators += len(h.said)
		case from == networkViewer || to == networkViewer:
			r.hides(t, from+" to "+to, h.said, ofOperators)
			continue
		}
		between[kindOf(from)+" to "+kindOf(to)] += len(h.said)
		media := kindOf(from) == "lb" && kindOf(to) == "edge" || kindOf(from) == "edge" && kindOf(to) == "lb"
		if at := notTLS(h.said); at == 0 && media && os.Getenv(mediaEnv) == wire.MediaPlain {
			inClear += len(h.said)
		} else if at >= 0 {
			t.Errorf("%s (%s) to %s (%s) is not TLS at byte %d of %d: %.80q", from, s.from, to, s.to, at, len(h.said), h.said[at:])
		}
		r.hides(t, from+" to "+to, h.said, secrets)
	}
	for _, d := range r.datagrams {
		if !bytes.HasPrefix(d, []byte("tdm2")) {
			t.Errorf("a datagram is not sealed: %.80q", d)
		}
		r.hides(t, "a datagram", d, secrets)
	}
	for _, text := range r.strange {
		t.Error(text)
	}
	t.Logf("%d addresses of sessions and %d secrets looked for; bytes between nodes: %v, of operators %d; %d datagrams", len(tokens), len(secrets)-len(tokens), between, operators, len(r.datagrams))
	for _, way := range []string{"edge to edge", "edge to lb", "lb to edge", "lb to lb", "origin to edge", "edge to origin", "origin to lb"} {
		if between[way] == 0 {
			t.Errorf("nothing was heard from %s", way)
		}
	}
	if plain := os.Getenv(mediaEnv) == wire.MediaPlain; plain != (inClear > 0) {
		t.Errorf("%d bytes of media were heard in clear", inClear)
	}
	if operators == 0 {
		t.Error("no operator was heard")
	}
	if len(r.datagrams) == 0 {
		t.Error("no datagram was heard")
	}
}

func (r *recorder) hides(t *testing.T, where string, said []byte, secrets map[string][]byte) {
	t.Helper()
	for what, text := range secrets {
		if i := bytes.Index(said, text); i >= 0 {
			t.Errorf("%s: %s is there, at byte %d: %.80q", where, what, i, said[max(i-20, 0):])
		}
	}
}

func kindOf(host string) string { kind, _, _ := strings.Cut(host, "-"); return kind }

// notTLS is where a direction of a connection ceases to be records of TLS 1.3 (RFC 8446
// section 5.1); negative: nowhere. What was cut off at the end is none.
func notTLS(said []byte) int {
	for at := 0; at < len(said); {
		if len(said)-at < 5 {
			return -1
		}
		size := int(binary.BigEndian.Uint16(said[at+3:]))
		if kind := said[at]; kind < 20 || kind > 23 || said[at+1] != 3 || size > 16384+256 {
			return at
		}
		at += 5 + size
	}
	return -1
}

var keyInJSON = regexp.MustCompile(`"secret":"([A-Za-z0-9+/]{43}=)"`)

// keysIn are the keys that a backup holds.
func keysIn(backup []byte) (keys [][]byte) {
	for _, m := range keyInJSON.FindAllSubmatch(backup, -1) {
		if key, err := base64.StdEncoding.DecodeString(string(m[1])); err == nil && len(key) == wire.KeySize {
			keys = append(keys, key)
		}
	}
	return keys
}

func inJSON(key []byte) []byte { return []byte(base64.StdEncoding.EncodeToString(key)) }

// TestTheRecorderWouldHearIt: what is not TLS is seen as such, and segments that come
// twice or too early are one stream.
func TestTheRecorderWouldHearIt(t *testing.T) {
	record := []byte{23, 3, 3, 0, 2, 'a', 'b'}
	for text, want := range map[string]int{
		"": -1, string(record): -1, string(record) + string(record[:6]): -1, "GET / HTTP/1.1\r\n": 0, string(record) + "HTTP/1.1 200 OK": 7, "\x16\x03\x01\xff\xff": 0,
	} {
		if at := notTLS([]byte(text)); at != want {
			t.Errorf("%q: %d, want %d", text, at, want)
		}
	}
	h := &heard{early: map[uint32][]byte{}}
	first := ^uint32(2) // numbers come round
	h.take(first, true, nil)
	for _, s := range []struct {
		at   uint32
		said string
	}{{5, "efg"}, {1, "abc"}, {1, "abc"}, {3, "cde"}, {8, "h"}} {
		h.take(first+s.at, false, []byte(s.said))
	}
	if string(h.said) != "abcdefgh" || len(h.early) != 0 {
		t.Errorf("heard %q, and %d wait", h.said, len(h.early))
	}
}
