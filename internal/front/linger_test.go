package front

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tandem/internal/front/kernel"
)

// talkative sends a malformed head, and then as much as is taken within a moment,
// while the loop is held up: so all of it is there when the head is read.
func talkative(t *testing.T, s *stage, head string, more int) *caller {
	c := call(t, s.addr)
	c.say(ask("GET", "/mem/1"))
	c.hearTarget("GET", "/mem/1")
	release := s.hold()
	c.say("%s", head)
	_ = c.SetWriteDeadline(time.Now().Add(short))
	n, _ := c.Write(make([]byte, more))
	if n < 2*requestsAlone*readBuffer {
		t.Skipf("the kernel keeps only %d bytes", n)
	}
	release()
	return c
}

// Closed with bytes that were not read a connection is reset, and a client that
// has sent more may lose the answer that tells why.
func TestClientThatHasSentMoreThanIsReadMayReadTheAnswer(t *testing.T) {
	for _, head := range []string{"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", ask("GET", "/mem/60000", "Connection: close")} {
		s := newStage(t, oneLoop, func(_ *stage, c *Config) { c.lingerFor = short })
		c := talkative(t, s, head, 3*requestsAlone*readBuffer)
		eventually(t, "the connection is closed", func() bool { return s.left.Load() >= s.entered.Load()-1 })
		time.Sleep(2 * short) // longer than the server waits
		if r := c.hear("GET"); !r.Close || r.StatusCode == http.StatusOK != (r.ContentLength == 60000) {
			t.Errorf("%s, %d bytes", r.Status, r.ContentLength)
		}
		c.ends(inOrder)
	}
}

// Nothing new may come to tell of what a round has left there.
func TestWhatNobodyWantsIsReadToItsEnd(t *testing.T) {
	pair := sockets(t)
	defer unix.Close(pair[0])
	defer unix.Close(pair[1])
	queueMuch(pair[1])
	for range 3 * requestsAlone {
		if _, err := unix.Write(pair[1], make([]byte, readBuffer)); err != nil {
			t.Skip("the kernel does not keep so much:", err)
		}
	}
	l := &Loop{read: make([]byte, readBuffer), queue: newQueue()}
	c := &Conn{loop: l, fd: pair[0], state: lingering}
	known(c)
	c.discard()
	for l.queue.Len() > 0 {
		l.takeTurns()
	}
	if kernel.Unread(pair[0]) {
		t.Error("something lies there")
	}
}

func TestConnectionLingersUntilTheClientHasEndedItAndNotLonger(t *testing.T) {
	for _, row := range []struct {
		what string
		long time.Duration
		goes bool
	}{{"the client ends it", 10 * patience, true}, {"the client stays", 3 * short, false}} {
		s := newStage(t, func(_ *stage, c *Config) { c.lingerFor = row.long })
		begin := time.Now()
		c := call(t, s.addr)
		c.say("%s", "GET / HTTP/1.1\r\n\r\n"+strings.Repeat("x", 100_000))
		if r := c.hear("GET"); r.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %s", row.what, r.Status)
		}
		if row.goes {
			_ = c.Close()
		}
		eventually(t, row.what+": it is gone", func() bool { return s.Connections() == 0 })
		if !row.goes {
			since(t, begin, row.long)
			c.ends(inOrder)
		}
	}
}

func TestAnswerThatIsTheLastIsReadByASlowClientToItsEnd(t *testing.T) {
	s := newStage(t, func(_ *stage, c *Config) { c.lingerFor = short / 3 })
	for _, target := range []string{"/mem/3000000", "/file/3000000"} {
		c := callSlow(t, s.addr)
		c.say(ask("GET", target, "Connection: close"))
		if _, err := c.r.Peek(1); err != nil {
			t.Fatal(err)
		}
		time.Sleep(short)
		c.hearTarget("GET", target)
		c.ends(inOrder)
	}
}
