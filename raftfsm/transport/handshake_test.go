package transport

import (
	"bytes"
	"errors"
	"io"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

func newStreams(t *testing.T, secret string) *streams {
	t.Helper()
	s, err := openStreams(Options{Listener: listen(t), Name: "lb-1", Key: []byte(secret)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func to(s *streams) raft.ServerAddress { return raft.ServerAddress(s.Addr().String()) }

func TestThoseWhoKnowTheSecretMeet(t *testing.T) {
	a, b := newStreams(t, testSecret), newStreams(t, testSecret)
	meet(t, a, b, to(b))
}

// meet has one dial the other, and say something; it returns what the other accepted.
func meet(t *testing.T, a, b *streams, at raft.ServerAddress) net.Conn {
	t.Helper()
	conn, err := a.Dial(at, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	other, err := b.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { other.Close() })
	if _, err := conn.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 5)
	if _, err := io.ReadFull(other, got); err != nil || string(got) != "hello" {
		t.Fatalf("%q %v", got, err)
	}
	return other
}

func TestTheWrongSecretIsRefused(t *testing.T) {
	a, b := newStreams(t, testSecret), newStreams(t, "another secret of the tests")
	if _, err := a.Dial(to(b), time.Second); !errors.Is(err, ErrForeign) {
		t.Fatal(err)
	}
	b.Close() // waits for the handshake's goroutine, which counts
	if n := b.refused.Load(); n != 1 {
		t.Errorf("%d refused", n)
	}
}

// A stranger gets not one byte, whatever it says, and the connection is closed.
func TestAStrangerGetsNothing(t *testing.T) {
	key := []byte(testSecret)
	mine := nonce()
	hello := append(append([]byte(handshakeMagic), mine...), handshakeMAC([]byte("guessed"), "hello", mine)...)
	for name, said := range map[string][]byte{
		"http":        []byte("GET / HTTP/1.1\r\n\r\n"),
		"raft itself": bytes.Repeat([]byte{1}, 200),
		"a guess":     hello,
	} {
		s := newStreams(t, testSecret)
		conn, err := net.Dial("tcp", s.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write(said); err != nil {
			t.Fatal(err)
		}
		_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
		n, err := conn.Read(make([]byte, 1))
		var slow net.Error
		if n != 0 || errors.As(err, &slow) && slow.Timeout() {
			t.Errorf("%s: %d bytes, %v", name, n, err)
		}
		conn.Close()
	}
	// A replayed hello is answered for another nonce, and its replayed proof fails.
	s := newStreams(t, testSecret)
	replay := append(append([]byte(handshakeMagic), mine...), handshakeMAC(key, "hello", mine)...)
	var proof []byte
	for round := range 2 {
		conn, err := net.Dial("tcp", s.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		answer := make([]byte, nonceSize+32)
		_, err1 := conn.Write(replay)
		_, err2 := io.ReadFull(conn, answer)
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		if round == 0 {
			proof = handshakeMAC(key, "dial", mine, answer[:nonceSize])
		} else {
			_, _ = conn.Write(proof)
			_, _ = conn.Read(make([]byte, 1)) // until it is closed
		}
		conn.Close()
	}
	s.Close()
	if n := s.refused.Load(); n != 2 {
		t.Errorf("%d refused", n)
	}
}

// Many who say nothing keep nobody out, whenever they come, and Close does not wait for
// them.
func TestSilentConnectionsAreBounded(t *testing.T) {
	a, b := newStreams(t, testSecret), newStreams(t, testSecret)
	for range 2 * maxHandshakes {
		conn, err := net.Dial("tcp", b.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	// Of the others each has a place, for a second.
	eventually(t, 30*time.Second, "those that came first are refused", func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		if len(b.proving) > maxHandshakes {
			t.Fatalf("%d prove themselves at once", len(b.proving))
		}
		return b.refused.Load() >= maxHandshakes
	})
	for {
		conn, err := a.Dial(to(b), time.Second)
		if err == nil {
			conn.Close()
			break
		}
	}
	conn, err := net.Dial("tcp", b.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	b.Close()
	if _, err := b.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
}

// One too many ends the one that came first, and not itself: who comes among strangers that
// come again and again has its time.
func TestTheFirstStrangerMakesRoom(t *testing.T) {
	s := newStreams(t, testSecret)
	var first, others []net.Conn
	for i := range maxHandshakes + 2 {
		here, there := net.Pipe()
		defer here.Close()
		if s.meet(here); i < 2 {
			first = append(first, there)
		} else {
			others = append(others, here)
		}
	}
	for _, there := range first {
		_ = there.SetReadDeadline(time.Now().Add(10 * time.Second))
		if _, err := there.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("one that came first: %v", err)
		}
	}
	if !slices.Equal(s.proving, others) {
		t.Errorf("%d are left", len(s.proving))
	}
	for _, conn := range others {
		s.met(conn)
	}
	if len(s.proving) != 0 {
		t.Errorf("%d are never forgotten", len(s.proving))
	}
}

// Who dials a node by its name reaches that one or nobody: another node that has its
// address now is not taken for it. One of an older build, which knows no names, is
// reached all the same.
func TestANodeIsReachedByItsName(t *testing.T) {
	a, b := newStreams(t, testSecret), newStreams(t, testSecret)
	go func() {
		for {
			conn, err := b.Accept()
			if err != nil {
				return
			}
			_ = conn.Close()
		}
	}()
	if conn, err := a.Dial("lb-1@"+to(b), time.Second); err != nil {
		t.Fatal(err)
	} else {
		_ = conn.Close()
	}
	if conn, err := a.Dial("lb-2@"+to(b), time.Second); !errors.Is(err, ErrForeign) {
		_ = conn.Close()
		t.Fatalf("lb-1 was taken for lb-2: %v", err)
	}
	old := listen(t)
	defer old.Close()
	key := []byte(testSecret)
	go func() { // as the build before answered
		for {
			conn, err := old.Accept()
			if err != nil {
				return
			}
			magic := make([]byte, len(handshakeMagic)+nonceSize+32)
			if _, err := io.ReadFull(conn, magic); err == nil && string(magic[:len(handshakeMagic)]) == handshakeMagic {
				theirs, mine := magic[len(handshakeMagic):len(handshakeMagic)+nonceSize], nonce()
				_, _ = conn.Write(append(mine, handshakeMAC(key, "accept", theirs, mine)...))
				_, _ = io.ReadFull(conn, make([]byte, 32))
			}
			_ = conn.Close()
		}
	}()
	conn, err := a.Dial("lb-9@"+raft.ServerAddress(old.Addr().String()), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
}
