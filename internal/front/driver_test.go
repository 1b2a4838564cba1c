package front

import (
	"fmt"
	"io"
	"net/http"
	"testing"

	"golang.org/x/sys/unix"

	"tandem/internal/front/kernel"
	"tandem/internal/h1"
)

// driver is a Driver by functions.
type driver struct{ writable, gone func() }

func (d *driver) Writable() {
	if d.writable != nil {
		d.writable()
	}
}

func (d *driver) Gone() {
	if d.gone != nil {
		d.gone()
	}
}

// stream gives plenty through a pipe, some at a time, and ends as its target says.
type stream struct {
	s    *stage
	c    *Conn
	h    h1.Request
	r    *http.Request
	pipe *kernel.Pipe // nil where there are none: then by copies
	sent int64
	end  int64 // where it stops
	gone chan int64
}

const pipePart = 32 << 10

func (d *stream) begin(c *Conn, h *h1.Request) {
	d.c, d.h = c, *h
	d.r, _ = c.Request(h)
	if c.Splices() {
		d.pipe, _ = kernel.OpenPipe()
	}
	c.Take(d)
	head := fmt.Appendf(AppendStatus(c.Loop().Scratch(), 200), "X-Target: /stream\r\nContent-Length: %d\r\n", len(plenty()))
	if !c.Keep() {
		head = append(head, "Connection: close\r\n"...)
	}
	if n, err := c.Send(append(head, "\r\n"...), true); err != nil || n == 0 {
		d.s.t.Errorf("the head: %d, %v", n, err)
	}
	c.Push()
	d.Writable()
}

// Writable moves what the client takes.
func (d *stream) Writable() {
	for d.sent < d.end {
		n, err := d.give(plenty()[d.sent:min(d.end, d.sent+pipePart)])
		if err != nil {
			d.c.Reset()
			return
		}
		if n == 0 {
			return
		}
		d.sent += int64(n)
	}
	d.close()
	switch d.h.Get("End") {
	case "done":
		d.c.Done(true)
	case "last":
		d.c.Done(false)
	case "reset":
		d.c.Reset()
	default:
		rest := plenty()[d.sent:]
		d.c.Away(d.r, Begun{Head: true, Left: int64(len(rest))}, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(rest[:len(rest)/2])
			if d.h.Get("End") == "away short" {
				return
			}
			_, _ = w.Write(rest[len(rest)/2:])
		})
	}
}

// give is once by the pipe, where there are pipes.
func (d *stream) give(part []byte) (int, error) {
	if d.pipe == nil {
		return d.c.Send(part, d.sent+int64(len(part)) < d.end)
	}
	if d.pipe.Held() == 0 {
		if err := pour(d.pipe, part); err != nil {
			d.s.t.Error(err)
		}
	}
	return d.c.Splice(d.pipe, d.sent+int64(d.pipe.Held()) < d.end)
}

func (d *stream) Gone() {
	d.close()
	d.gone <- d.sent
}

func (d *stream) close() {
	if d.pipe != nil {
		d.pipe.Close()
	}
}

// streaming lets a stream answer /stream.
func streaming(t *testing.T) (*stage, chan int64) {
	gone := make(chan int64, 100)
	return newStage(t, func(s *stage, c *Config) {
		c.Quick = func(l *Loop) Quick {
			return &scripted{loop: l, serve: func(c *Conn, h *h1.Request) bool {
				if h.Target != "/stream" {
					return s.answer(c, h)
				}
				d := &stream{s: s, end: int64(len(plenty())), gone: gone}
				if end := h.Get("End"); end != "done" && end != "last" {
					d.end /= 3
				}
				d.begin(c, h)
				return true
			}}
		}
	}), gone
}

func TestDriverStreamsAndGivesTheConnectionBack(t *testing.T) {
	s, gone := streaming(t)
	for _, connect := range []func(*testing.T, string) *caller{call, callSlow} {
		c := connect(t, s.addr)
		c.say(ask("GET", "/stream", "End: done") + ask("GET", "/mem/4") + ask("GET", "/stream", "End: away") + ask("GET", "/x"))
		for _, target := range []string{"/stream", "/mem/4", "/stream", "/x"} {
			r := c.hear("GET")
			if target == "/stream" && string(r.body) != string(plenty()) {
				t.Fatalf("%d bytes came, others than were streamed", len(r.body))
			}
			if got := r.Header.Get("X-Target"); got != target {
				t.Fatalf("the answer to %q came; want %q", got, target)
			}
		}
		c.say(ask("GET", "/stream", "End: last") + ask("GET", "/mem/4"))
		if r := c.hear("GET"); len(r.body) != len(plenty()) {
			t.Errorf("%d bytes came", len(r.body))
		}
		c.ends(inOrder)
	}
	if len(gone) > 0 {
		t.Error("a driver was told that its client has gone")
	}
}

func TestDriversAnswerThatIsNotWholeEndsInAReset(t *testing.T) {
	s, gone := streaming(t)
	for _, end := range []string{"reset", "away short"} {
		c := call(t, s.addr)
		c.say(ask("GET", "/stream", "End: "+end) + ask("GET", "/mem/4"))
		if rest, how := c.end(); how != byReset || len(rest) >= len(plenty()) {
			t.Errorf("%s: it ended %s after %d bytes", end, how, len(rest))
		}
	}
	if n := len(gone); n != 1 { // by its own Reset
		t.Errorf("%d drivers were told that their client has gone; want 1", n)
	}
}

func TestDriverIsToldOnceThatItsClientHasGone(t *testing.T) {
	s, gone := streaming(t)
	for range 20 {
		c := callSlow(t, s.addr)
		c.say(ask("GET", "/stream", "End: done") + ask("GET", "/mem/4"))
		if _, err := io.CopyN(io.Discard, c.r, 1_000_000); err != nil {
			t.Fatal(err)
		}
		c.vanish()
		if sent := <-gone; sent < 900_000 || sent == int64(len(plenty())) {
			t.Errorf("the driver had sent %d bytes", sent)
		}
	}
	eventually(t, "all connections are closed", func() bool { return s.Connections() == 0 })
	if len(gone) > 0 {
		t.Error("a driver was told again")
	}
}

func TestDriverIsToldOnceWhenTheServerCloses(t *testing.T) {
	s, gone := streaming(t)
	c := callSlow(t, s.addr)
	c.say(ask("GET", "/stream", "End: done"))
	if _, err := io.CopyN(io.Discard, c.r, 1_000_000); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	<-gone
	if _, how := c.end(); how != byReset || len(gone) > 0 {
		t.Errorf("it ended %s, and the driver was told %d more times", how, len(gone))
	}
}

// A driver may end the connection itself when it is told; the descriptor's number
// may be another's by then.
func TestDriverThatResetsWhenToldDoesNotTouchTheNextConnection(t *testing.T) {
	next, other, told := -1, -1, make(chan struct{})
	s := newStage(t, oneLoop, func(s *stage, c *Config) {
		c.Quick = func(l *Loop) Quick {
			return &scripted{loop: l, serve: func(c *Conn, h *h1.Request) bool {
				if h.Target != "/take" {
					return s.answer(c, h)
				}
				c.Take(&driver{gone: func() {
					c.Reset()
					next, _ = unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
					other = c.fd
					close(told)
				}})
				c.Reset()
				return true
			}}
		}
	})
	c := call(t, s.addr)
	c.say(ask("GET", "/take"))
	<-told // nobody else opens anything until then
	c.ends(byReset)
	s.pass()
	linger, err := unix.GetsockoptLinger(next, unix.SOL_SOCKET, unix.SO_LINGER)
	if err != nil || next != other || linger.Onoff != 0 {
		t.Errorf("the next socket, %d after %d, lingers: %+v, %v", next, other, linger, err)
	}
	_ = unix.Close(next)
}
