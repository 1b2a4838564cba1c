package placement

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// source draws the numbers of a command, from rapid or from a fuzzer's bytes.
type source func(label string, n int) int

// random draws a command that could mean something. It knows the state, so that
// many of them do.
func random(s *State, draw source) Command {
	kinds := []Kind{
		EdgeUp, EdgeUp, EdgeDown, EdgeReady, EdgeReady, Drain, Resume, Remove, Left, Accept, Place, Place, Unplace, MoveBoundary, Settle, Purge, Balancer, BalancerGone, Counted, Counted, Configure, Upstreams, Upstreams,
		KeyNew, KeyUse, KeyDrop, Authority, AuthorityUse, AuthorityDrop, TicketNew, TicketUse, Revoke,
	}
	p := s.Placement()
	name := fmt.Sprintf("e%d", draw("edge", 7))
	e, _ := p.Edge(name)
	c := Command{
		Kind: kinds[draw("kind", len(kinds))], At: int64(draw("at", 1000)), Name: name,
		Incarnation: uint64(max(int(e.Incarnation)+draw("incarnation", 4)-1, 0)),
		Stream:      fmt.Sprintf("/s%d/", draw("stream", 4)), Version: e.Since,
		Loads: randomLoads(p, draw),
	}
	if draw("late", 5) == 0 {
		c.Version = uint64(draw("version", 50))
	}
	if draw("id", 3) == 0 {
		c.ID = fmt.Sprint("id-", draw("which id", 20))
	}
	if n := len(p.Pairs); n > 0 {
		q := p.Pairs[draw("pair", n)]
		c.Pair, c.Before, c.Boundary = q.ID, q.Boundary, draw("boundary", q.Slots+2)
	}
	switch c.Kind {
	case EdgeUp:
		c.Edge = &wire.Edge{Name: name, HTTP: "http://" + name, Capacity: 1 + draw("capacity", 12), Zone: []string{"", "a", "b"}[draw("zone", 3)], Incarnation: c.Incarnation}
		c.After = fmt.Sprintf("e%d", draw("after", 7))
	case Purge:
		c.Purge = &wire.Purge{Prefix: c.Stream}
	case Balancer:
		c.Balancer = &wire.Balancer{Name: name, HTTP: fmt.Sprint("http://", draw("port", 3))}
	case KeyNew, KeyUse, KeyDrop, Authority, TicketNew, TicketUse:
		c.Secret = randomSecret(draw)
	case Upstreams:
		for i := range draw("upstreams", 3) {
			c.Upstreams = append(c.Upstreams, wire.Upstream{Prefix: fmt.Sprintf("/%d/", i), Servers: []wire.UpstreamServer{{URL: fmt.Sprint("http://o", draw("origin", 3))}}})
		}
	case Counted:
		c.Counts = &wire.Counts{Life: int64(draw("life", 4)), Takeovers: int64(draw("takeovers", 9)), Refused: int64(draw("refused", 9))}
		if deaths := s.Deaths(); len(deaths) > 0 {
			d := deaths[draw("death", len(deaths))]
			c.Counts.Deaths = []wire.DeathCount{{Edge: d.Edge, Incarnation: d.Incarnation, Finished: int64(draw("finished", 9)), Broken: int64(draw("broken", 9))}}
		}
	case Configure:
		c.Admission = []string{"failsafe", "pair", "none"}[draw("admission", 3)]
	}
	return c
}

func randomSecret(draw source) *Secret {
	n := byte(draw("which secret", 4))
	return &Secret{
		Purpose: []wire.Purpose{wire.ForTokens, wire.ForDatagrams, wire.ForStreams, "nothing"}[draw("purpose", 4)],
		Key:     bytes.Repeat([]byte{n}, wire.KeySize), KeyID: n + 1, Authority: []byte{'k', n}, Root: fmt.Sprintf("root %d.", n), Cluster: "one",
		Ticket: &Ticket{ID: fmt.Sprintf("%032d", n), Role: "edge", Node: fmt.Sprintf("e%d", n), Expires: int64(draw("expires", 2000)), Key: []string{"", "k1", "k2"}[draw("key", 3)]},
	}
}

func randomLoads(p *wire.Placement, draw source) []ring.Load {
	var loads []ring.Load
	for _, q := range p.Pairs {
		l := ring.Load{Pair: q.ID}
		for from := 0; from < q.Slots; {
			run := wire.Run{From: from + draw("gap", 4), To: 0}
			run.To = run.From + 1 + draw("run", 4)
			from = run.To
			if draw("taken", 3) > 0 {
				l.Taken = append(l.Taken, run)
			}
		}
		if draw("load", 8) > 0 {
			loads = append(loads, l)
		}
	}
	return loads
}

// Whatever is proposed in whatever order: the truths hold, a replay gives the
// same bytes, and so does a replay from a snapshot in the middle.
func TestAnyOrderOfCommands(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string, n int) int { return rapid.IntRange(0, n-1).Draw(t, label) }
		state := NewState()
		var log [][]byte
		var middle []byte
		var sums []wire.Tally
		n := rapid.IntRange(1, 60).Draw(t, "commands")
		half := rapid.IntRange(0, n-1).Draw(t, "snapshot at")
		for i := range n {
			b, err := func() ([]byte, error) { c := random(state, draw); return c.Encode() }()
			if err != nil {
				t.Fatal(err)
			}
			log = append(log, b)
			before := state.Placement()
			was := text(t, before)
			r := state.Apply(uint64(i+1), b)
			if err := state.Check(); err != nil {
				t.Fatalf("command %d %s: %v", i+1, b, err)
			}
			if text(t, before) != was {
				t.Fatalf("command %d %s changed a published placement", i+1, b)
			}
			if backwards(sums, state) {
				t.Fatalf("command %d %s let a sum go back", i+1, b)
			}
			sums = sumsOf(state)
			if !r.Again && !r.Changed && text(t, state.Placement()) != was {
				t.Fatalf("command %d %s changed something and does not say so: %+v", i+1, b, r)
			}
			if i == half {
				middle = imageOf(t, state)
			}
		}
		want := imageOf(t, state)
		again := NewState()
		fromSnapshot, err := ReadState(bytes.NewReader(middle))
		if err != nil {
			t.Fatal(err)
		}
		for i, b := range log {
			again.Apply(uint64(i+1), b)
			if i > half {
				fromSnapshot.Apply(uint64(i+1), b)
			}
		}
		if !bytes.Equal(want, imageOf(t, again)) {
			t.Fatal("the same log gave two states")
		}
		if !bytes.Equal(want, imageOf(t, fromSnapshot)) {
			t.Fatal("from the snapshot on the same log gave another state")
		}
	})
}

// sumsOf are the sums of all balancers, and those of each receipt by the order of
// deaths.
func sumsOf(s *State) []wire.Tally {
	sums := []wire.Tally{s.tallies.sum()}
	for _, d := range s.Deaths() {
		sums = append(sums, wire.Tally{Takeovers: d.Finished, Refused: d.Broken})
	}
	return sums
}

// backwards tells whether a sum is smaller than before. There are fewer commands than
// receipts are kept of.
func backwards(before []wire.Tally, s *State) bool {
	for i, now := range sumsOf(s) {
		if i < len(before) && (now.Takeovers < before[i].Takeovers || now.Refused < before[i].Refused) {
			return true
		}
	}
	return false
}

// FuzzApply feeds one arbitrary entry and then commands made of arbitrary bytes.
func FuzzApply(f *testing.F) {
	f.Add([]byte(`{"kind":"edge_up","edge":{"name":"e1","capacity":8}}`), []byte{1, 2, 3, 4, 5, 6, 7, 8})
	f.Add([]byte(`{"kind":"settle","loads":[{"pair":1,"taken":[{"from":-1,"to":9}]}]}`), []byte{0, 0, 0, 0})
	f.Add([]byte(`{"kind":"edge_down","name":"e1"}`), bytes.Repeat([]byte{9, 1, 0, 77, 3}, 30))
	f.Fuzz(func(t *testing.T, entry, more []byte) {
		s := newScript(t)
		for i := 1; i <= 3; i++ {
			s.must(up(fmt.Sprintf("e%d", i), 1))
		}
		s.must(Command{Kind: Place, Stream: "/s0/", Pair: 1})
		s.raw(entry)
		more = more[:min(len(more), 4096)]
		draw := func(_ string, n int) int {
			var word [2]byte
			more = more[copy(word[:], more):]
			return int(binary.BigEndian.Uint16(word[:])) % n
		}
		for i := 0; len(more) > 0 && i < 100; i++ {
			c := random(s.state, draw)
			s.do(c)
		}
	})
}
