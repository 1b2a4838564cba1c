package proxy

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tandem/internal/h1"
	"tandem/lb/proxy/upstream"
)

// hammerSizes are the objects, in bytes.
var hammerSizes = []int{0, 1, 100, 3000, 7900, 8000, 8100, 8192, 16_000, 17_000, 66_000, 300_000, 1 << 20, 4 << 20}

// hammer is many viewers and edges that all misbehave by chance.
type hammer struct {
	s    *spliceStage
	body string
	seed uint64
	end  time.Time

	mu  sync.Mutex
	rnd *rand.Rand // guarded by mu; the edges'

	whole, failed, gone atomic.Int64
}

// Whatever edges and viewers do, and however often, a response that ends in order
// is the object's bytes, and nothing is left of any. It runs for long with
//
//	TANDEM_HAMMER=1m go test -race ./lb -run TestSplicesUnderHammer
func TestSplicesUnderHammer(t *testing.T) {
	length, viewers := 2*time.Second, 30
	if text := os.Getenv("TANDEM_HAMMER"); text != "" {
		var err error
		if length, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
		viewers = 100
	}
	h := &hammer{body: pattern(4 << 20), seed: rand.Uint64()}
	t.Logf("seed %d", h.seed)
	h.rnd = rand.New(rand.NewPCG(h.seed, 0))
	var edges []upstream.Target
	var all []*scripted
	for i := range 3 {
		e := script(t, h.answer)
		all = append(all, e)
		edges = append(edges, e.target(fmt.Sprintf("edge-%d", i+1)))
	}
	cfg := Config{Silence: 200 * time.Millisecond, FirstByte: 200 * time.Millisecond, Total: time.Second, Connect: time.Second}
	h.s = openSplices(t, spliceOptions{cfg: cfg, edges: edges, loops: 2})
	h.end = time.Now().Add(length)
	var under sync.WaitGroup
	for i := range viewers {
		under.Go(func() {
			for rnd := rand.New(rand.NewPCG(h.seed, uint64(i+1))); time.Now().Before(h.end); {
				h.view(t, rnd)
			}
		})
	}
	under.Go(func() {
		for rnd := rand.New(rand.NewPCG(h.seed, 1<<32)); time.Now().Before(h.end); time.Sleep(50 * time.Millisecond) {
			i := rnd.IntN(len(all))
			if rnd.IntN(2) == 0 {
				h.s.c.Drop(edges[i].Edge)
			}
			all[i].hangUp()
		}
	})
	under.Wait()
	h.s.stop()
	t.Logf("%d whole, %d failed visibly, %d viewers gone", h.whole.Load(), h.failed.Load(), h.gone.Load())
	if h.whole.Load() < 2*h.failed.Load() {
		t.Error("too few to tell anything")
	}
	for _, e := range all {
		h.s.eventually("edges are let go", func() bool { return e.connected() == 0 })
	}
}

// answer is an edge's, one in six with a fault somewhere.
func (h *hammer) answer(c net.Conn, ask string) {
	size, _ := h1.Number(targetOf(ask)[1:])
	text := versionFor(ask, h.body[:size], fmt.Sprintf(`"v%d"`, size))
	if strings.HasPrefix(ask, "HEAD") {
		text = text[:strings.Index(text, "\r\n\r\n")+4]
	}
	h.mu.Lock()
	fault, at, cut := h.rnd.IntN(30), h.rnd.IntN(len(text)+1), h.rnd.IntN(len(text)+1)
	h.mu.Unlock()
	if fault < 5 {
		text = text[:at] // shorter than it says, or at its end
	}
	if fault%2 == 1 && cut < len(text) {
		send(c, text[:cut])
		time.Sleep(time.Millisecond)
		text = text[cut:]
	}
	if fault == 5 && size < 4000 {
		text += plainOK("poisoned") // all in one segment: what comes later passes for the next answer
	}
	send(c, text)
	switch fault {
	case 0:
		_ = c.(*net.TCPConn).SetLinger(0)
		_ = c.Close()
	case 1, 2:
		_ = c.Close()
	case 3, 4: // it hangs; whoever asked hangs up
		_, _ = io.Copy(io.Discard, c)
	case 6: // it ends while it is idle
		time.Sleep(time.Duration(at%5) * time.Millisecond)
		_ = c.Close()
	}
}

// view is one connection of a viewer.
func (h *hammer) view(t *testing.T, rnd *rand.Rand) {
	c, err := net.Dial("tcp", h.s.addr)
	if err != nil {
		t.Error(err)
		return
	}
	v := &viewer{TCPConn: c.(*net.TCPConn), s: h.s}
	defer v.Close()
	_ = v.SetDeadline(time.Now().Add(30 * time.Second))
	if rnd.IntN(4) == 0 {
		_ = v.SetReadBuffer(32 << 10)
	}
	leaves := int64(-1)
	if rnd.IntN(5) == 0 {
		leaves = rnd.Int64N(1 << (1 + rnd.IntN(24)))
		_ = v.SetLinger(0)
	}
	v.in = bufio.NewReader(&moody{c, leaves, rnd})
	for range 1 + rnd.IntN(10) {
		if time.Now().After(h.end) {
			return
		}
		batch := h.asks(rnd, v)
		for _, want := range batch {
			g := v.read(want.method)
			switch err := g.check(want.status, []byte(want.body)); {
			case err == nil:
				h.whole.Add(1)
			case leaves >= 0 && g.err != nil:
				h.gone.Add(1)
				return
			case g.err != nil || g.status == http.StatusServiceUnavailable || g.status == http.StatusBadGateway: // nobody is left, or two died
				h.failed.Add(1)
				if g.err != nil {
					if !strings.HasPrefix(want.body, string(g.body)) {
						t.Errorf("seed %d: %s of %d bytes: other bytes before it broke", h.seed, want.method, len(want.body))
					}
					return
				}
			default:
				t.Errorf("seed %d: %s of %d bytes: %v\n%.300s", h.seed, want.method, len(want.body), err, g.text())
				return
			}
		}
	}
}

// wanted is what an answer has to be.
type wanted struct {
	method string
	status int
	body   string
}

// asks sends some requests at once.
func (h *hammer) asks(rnd *rand.Rand, v *viewer) (batch []wanted) {
	var text strings.Builder
	for range 1 + rnd.IntN(1+rnd.IntN(4)) {
		size := hammerSizes[rnd.IntN(1+rnd.IntN(len(hammerSizes)))] // large ones seldom
		w := wanted{http.MethodGet, http.StatusOK, h.body[:size]}
		field := ""
		switch rnd.IntN(6) {
		case 0:
			w.method, w.body = http.MethodHead, ""
		case 1:
			if size > 0 {
				first := rnd.IntN(size)
				last := first + rnd.IntN(size-first)
				w.status, w.body = http.StatusPartialContent, h.body[first:last+1]
				field = fmt.Sprintf("Range: bytes=%d-%d\r\n", first, last)
			}
		}
		fmt.Fprintf(&text, "%s /%d HTTP/1.1\r\nHost: lb\r\n%s\r\n", w.method, size, field)
		batch = append(batch, w)
	}
	send(v, text.String())
	return batch
}

// moody is a viewer that stops now and then, and goes after so many bytes, -1: never.
type moody struct {
	c     net.Conn
	until int64
	rnd   *rand.Rand
}

func (m *moody) Read(b []byte) (int, error) {
	if m.rnd.IntN(50) == 0 {
		time.Sleep(time.Duration(m.rnd.IntN(10)) * time.Millisecond)
	}
	if m.until < 0 {
		return m.c.Read(b)
	}
	n, err := m.c.Read(b[:min(int64(len(b)), m.until)])
	if m.until -= int64(n); m.until <= 0 && err == nil {
		err = m.c.Close()
		if err == nil {
			err = io.ErrUnexpectedEOF
		}
	}
	return n, err
}
