package proxy

import (
	"net/http"
	"testing"

	"tandem/internal/fault"
	"tandem/internal/wire"
	"tandem/lb/proxy/upstream"
)

// TestARefusedSessionIsAskedForWhereThereIsRoom: an edge that can't deliver a session
// has not failed; nobody is accused, and the viewer gets its object from elsewhere.
func TestARefusedSessionIsAskedForWhereThereIsRoom(t *testing.T) {
	for _, front := range fronts {
		t.Run(front.name, func(t *testing.T) {
			o := front.o
			o.edges = 3
			s := newStage(t, o)
			asked := 0
			place := func(edge int, ok bool) {
				s.locked(func() {
					asked = 0
					s.place = func() (Request, bool) {
						s.locked(func() { asked++ })
						return Request{Target: "/big", Pair: 9, First: upstream.Target{Edge: s.edges[edge].name, Addr: s.edges[edge].proxy.Addr()}}, ok
					}
				})
			}
			get := func(status int) got {
				t.Helper()
				g := s.get(http.MethodGet, "/small", "")
				n := 0
				s.locked(func() { n = asked })
				if g.err != nil || g.status != status || n != 1 {
					t.Fatalf("%d, %v; %d places were looked for", g.status, g.err, n)
				}
				return g
			}
			s.edges[0].refuses.Store(true)
			place(2, true)
			s.whole(get(http.StatusOK), http.StatusOK, content["/big"])
			if pair := s.edges[2].told.Load().Get(wire.HeaderPair); pair != "9" {
				t.Fatalf("asked by pair %s", pair)
			}
			if moves, failed := s.taken(); len(moves)+len(failed) != 0 || s.edges[1].asked.Load() != 0 {
				t.Fatalf("takeovers %+v, evidence %v, %d requests to the partner", moves, failed, s.edges[1].asked.Load())
			}
			place(2, false) // there is no place: the refusal is the answer
			if g := get(http.StatusServiceUnavailable); g.header.Get(wire.HeaderReason) != wire.ReasonLimit {
				t.Fatalf("%v", g.header)
			}
			s.edges[1].refuses.Store(true)
			place(1, true) // and that one is full by now as well
			get(http.StatusServiceUnavailable)
			// It is dead, and its partner refuses.
			s.edges[0].refuses.Store(false)
			s.fault(0, fault.Fault{Kind: fault.Kill, At: -1, Times: 1})
			place(2, true)
			s.whole(get(http.StatusOK), http.StatusOK, content["/big"])
			if _, failed := s.taken(); len(failed) != 1 || failed[0] != "edge-1 "+CauseReset {
				t.Fatalf("evidence %v", failed)
			}
		})
	}
}

// TestARefusalNeverBreaksWhatWasBegun: the partner's refusal comes in the middle of a
// body: a third edge finishes it.
func TestARefusalNeverBreaksWhatWasBegun(t *testing.T) {
	s := newStage(t, stageOptions{edges: 3})
	s.locked(func() {
		s.place = func() (Request, bool) {
			t.Error("a new place was looked for in the middle of a body")
			return Request{}, false
		}
	})
	s.edges[1].refuses.Store(true)
	s.fault(0, fault.Fault{Kind: fault.Kill, At: bigSize / 2, Times: 1})
	s.whole(s.get(http.MethodGet, "/big", ""), http.StatusOK, content["/big"])
}
