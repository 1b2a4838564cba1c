package sealedhead

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

const request = "GET /s/token/a.m4s HTTP/1.1\r\nHost: a\r\n\r\n"

// meet gives lb-1 a ticket for an edge.
func meet(t *testing.T, g *Grants, edge string, allowed func() error) *Ticket {
	t.Helper()
	given, err := g.Give("lb-1", allowed)
	if err != nil {
		t.Fatal(err)
	}
	s, err := newSealer([idSize]byte(given.ID), given.Key, edge, "lb-1")
	if err != nil {
		t.Fatal(err)
	}
	return &Ticket{sealer: s, edge: Edge{Name: edge}, until: time.Now().Add(time.Hour)}
}

func good() error { return nil }

// A request opens once, at the edge that gave the key, as it was sealed, while the
// balancer counts and the key lives; its answer is that of no other request.
func TestWhatIsSealedOpensOnceWhereItWasMeant(t *testing.T) {
	g := NewGrants("edge-1", time.Now)
	k := meet(t, g, "edge-1", good)
	text, n := k.Seal(nil, []byte(request))
	if bytes.Contains(text, []byte("token")) {
		t.Fatal("in clear:", string(text))
	}
	if !g.Proves(string(text)) {
		t.Error("it does not prove who asks")
	}
	head, answer, err := g.Open(string(text))
	if err != nil || string(head) != request {
		t.Fatalf("%q, %v", head, err)
	}
	said := answer.Append(nil, []byte("HTTP/1.1 200 OK\r\n\r\n"))
	if head, err := k.Open(said, n); err != nil || string(head) != "HTTP/1.1 200 OK\r\n\r\n" {
		t.Errorf("the answer: %q, %v", head, err)
	}
	next, m := k.Seal(nil, []byte(request))
	if _, err := k.Open(said, m); err == nil {
		t.Error("the answer to one request was taken for that to another")
	}
	if _, err := k.Open(next, m); err == nil {
		t.Error("a request that came back was taken for its answer")
	}
}

// What was changed, came before, is of nobody or of another edge opens nothing, and is
// counted.
func TestWhatIsNotAsItWasSealedOpensNothing(t *testing.T) {
	now := time.Now()
	var judged error
	g := NewGrants("edge-1", func() time.Time { return now })
	k := meet(t, g, "edge-1", func() error { return judged })
	text, _ := k.Seal(nil, []byte(request))
	_, answer, err := g.Open(string(text))
	if err != nil {
		t.Fatal(err)
	}
	said := answer.Append(nil, []byte("HTTP/1.1 200 OK\r\n\r\n"))
	next, _ := k.Seal(nil, []byte(request))
	refused := func(what, text string, why error) {
		t.Helper()
		before := g.Refused.Load()
		if _, _, err := g.Open(text); !errors.Is(err, why) || g.Refused.Load() != before+1 {
			t.Errorf("%s: %v, counted %d", what, err, g.Refused.Load()-before)
		}
	}
	refused("played back", string(text), ErrReplayed)
	refused("an answer in place of a request", string(said), ErrSeal)
	for i := range next {
		changed := bytes.Clone(next)
		if changed[i] ^= 1; changed[i] == next[i] {
			continue
		}
		if _, _, err := g.Open(string(changed)); err == nil {
			t.Fatalf("byte %d changed", i)
		}
	}
	for _, cut := range []int{0, 1, len(next) / 2, len(next) - 1} {
		if _, _, err := g.Open(string(next[:cut])); err == nil {
			t.Errorf("cut at %d", cut)
		}
	}
	refused("spelled otherwise", string(next)+"=", ErrMalformed)
	refused("endless", string(bytes.Repeat([]byte("A"), 1<<20)), ErrMalformed)
	other, _ := meet(t, NewGrants("edge-2", time.Now), "edge-2", good).Seal(nil, []byte(request))
	refused("meant for another edge", string(other), ErrUnknown)
	named, _ := meet(t, g, "edge-2", good).Seal(nil, []byte(request))
	refused("by who takes this edge for another", string(named), ErrSeal)
	judged = errors.New("revoked")
	refused("of a balancer that was revoked", string(next), judged)
	judged = nil
	now = now.Add(Life + 1)
	refused("with an old key", string(next), ErrUnknown)
	if g.Opened.Load() != 1 {
		t.Errorf("%d opened", g.Opened.Load())
	}
}

// A balancer that starts over and over makes an edge hold no more than so many keys, and
// the newest are good.
func TestGrantsAreBounded(t *testing.T) {
	now := time.Now()
	g := NewGrants("edge-1", func() time.Time { now = now.Add(time.Millisecond); return now })
	first := meet(t, g, "edge-1", good)
	var last *Ticket
	for range 3 * grantsMost {
		last = meet(t, g, "edge-1", good)
	}
	if len(g.by) > grantsMost {
		t.Errorf("%d grants", len(g.by))
	}
	if text, _ := last.Seal(nil, nil); !g.Proves(string(text)) {
		t.Error("the newest is not known")
	}
	if text, _ := first.Seal(nil, nil); g.Proves(string(text)) {
		t.Error("the first is still there")
	}
}

// Each number is taken once, in whatever order they come, and none that is too old.
func TestEachNumberIsTakenOnce(t *testing.T) {
	var w window
	taken, highest := map[uint64]bool{}, uint64(0)
	random := rand.New(rand.NewPCG(1, 2))
	for range 200_000 {
		n := random.Uint64N(400)
		switch random.IntN(50) {
		case 0:
			n = highest + random.Uint64N(3*windowSize)
		case 1, 2: // as old as can be, and older; others lay in its place before
			n = highest - min(highest, random.Uint64N(2*windowSize))
		default:
			n = highest + 200 - min(n, highest+200)
		}
		want := n > 0 && !taken[n] && n+windowSize > highest
		if got := w.take(n); got != want {
			t.Fatalf("%d after %d: %v", n, highest, got)
		}
		taken[n] = taken[n] || want
		highest = max(highest, n)
	}
}

// A ticket is there soon after the first request, is renewed before it ends, and a
// request finds none while the edge gives none.
func TestTicketsAreGotAndRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGrants("edge-1", time.Now)
		asked, fails := new(atomic.Int32), new(atomic.Bool)
		tickets := NewTickets("lb-1", time.Now, func(context.Context, Edge) (Grant, error) {
			asked.Add(1)
			if fails.Load() {
				return Grant{}, errors.New("no")
			}
			return g.Give("lb-1", good)
		})
		ctx, stop := context.WithCancel(t.Context())
		over := make(chan error, 1)
		go func() { over <- tickets.Run(ctx) }()
		e := Edge{Name: "edge-1", Addr: "a:1", Life: 1}
		if tickets.Of(e) != nil {
			t.Fatal("a ticket out of nothing")
		}
		synctest.Wait()
		works := func() bool {
			k := tickets.Of(e)
			if k == nil {
				return false
			}
			text, _ := k.Seal(nil, []byte(request))
			_, _, err := g.Open(string(text))
			return err == nil
		}
		for i := range 20 * 60 {
			time.Sleep(time.Second)
			if !works() {
				t.Fatalf("no ticket after %d s", i)
			}
		}
		if n := asked.Load(); n < 10 || n > 40 {
			t.Errorf("asked %d times in 20 min", n)
		}
		synctest.Wait() // else one that is renewed now is another
		k := tickets.Of(e)
		fails.Store(true)
		tickets.Void(k)
		before := asked.Load()
		time.Sleep(time.Minute)
		if works() || asked.Load()-before > 6 {
			t.Errorf("while the edge gives none: asked %d times in a minute", asked.Load()-before)
		}
		fails.Store(false)
		time.Sleep(2 * askAgain)
		if !works() {
			t.Error("it is not asked again")
		}
		time.Sleep(2 * unwanted)
		before = asked.Load()
		time.Sleep(time.Hour)
		synctest.Wait()
		if asked.Load() != before || len(tickets.by) != 0 {
			t.Errorf("an edge that nobody asks was asked %d times", asked.Load()-before)
		}
		stop()
		<-over
	})
}

func BenchmarkSealAndOpen(b *testing.B) {
	g := NewGrants("edge-1", time.Now)
	given, _ := g.Give("lb-1", good)
	s, _ := newSealer([idSize]byte(given.ID), given.Key, "edge-1", "lb-1")
	k := &Ticket{sealer: s}
	head := bytes.Repeat([]byte("x"), 400)
	var text []byte
	for b.Loop() {
		text, _ = k.Seal(text[:0], head)
		_, a, err := g.Open(string(text))
		if err != nil {
			b.Fatal(err)
		}
		a.Append(nil, head)
	}
}
