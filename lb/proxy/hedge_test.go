package proxy

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"testing"
	"time"

	"tandem/internal/call"
	"tandem/internal/fault"
	"tandem/internal/wire"
)

// fronts are the ways in which a viewer may be connected.
var fronts = []struct {
	name string
	o    stageOptions
}{
	{"loop", stageOptions{loop: true}},
	{"plain", stageOptions{}},
	{"tls", stageOptions{loop: true, tls: true}},
	{"h2", stageOptions{h2: true}},
}

// Whatever happens to the edge, at any byte, the viewer gets the object, once.
func TestEveryFaultIsSurvived(t *testing.T) {
	for _, front := range fronts {
		for _, kind := range fault.Kinds {
			if kind == fault.Short {
				continue // another length is another version: TestAnotherLengthIsNeverMixed
			}
			t.Run(front.name+"/"+string(kind), func(t *testing.T) {
				t.Parallel()
				o := front.o
				if kind != fault.Stop && kind != fault.Trickle {
					o.cfg = patient // what is seen at once is no matter of time: no edge is late
				}
				s := newStage(t, o)
				offsets := []int64{-1, 0, bigSize/2 + 3, bigSize - 1, 1, 511, 16_384, 262_145}
				if kind == fault.Trickle {
					offsets = offsets[:4] // each takes as long as it takes to see that bytes drip
				}
				for i := int64(everyOffset.part - 1); i >= 0 && i < 200; i += int64(everyOffset.of) {
					offsets = append(offsets, min(i*bigSize/199, bigSize-1))
				}
				for _, at := range offsets {
					survive(t, s, fault.Fault{Kind: kind, At: at, Times: 1})
				}
				surviveSmall(t, s, kind)
			})
		}
	}
}

// everyOffset makes the whole matrix: every fault at 200 offsets of a segment of
// 4 MB and at all of one of 3 KB (every 16th where the fault takes its time). It
// takes minutes, so CI runs a part; and "2/7" is the second of seven parts of it:
//
//	TANDEM_EVERY_OFFSET=1 go test ./lb/proxy -run TestEveryFaultIsSurvived -timeout 30m -v
var everyOffset = partOf(os.Getenv("TANDEM_EVERY_OFFSET"))

// part is one of so many; the zero value: none.
type part struct{ part, of int }

func partOf(text string) (p part) {
	if n, _ := fmt.Sscanf(text, "%d/%d", &p.part, &p.of); n < 2 && text != "" {
		return part{1, 1}
	}
	return p
}

// surviveSmall breaks the answer for a small object at each of its bytes.
func surviveSmall(t *testing.T, s *stage, kind fault.Kind) {
	t.Helper()
	step := int64(1)
	if kind == fault.Stop || kind == fault.Trickle {
		step = 16
	}
	for at := step * int64(everyOffset.part-1); at >= 0 && at < smallSize; at += step * int64(everyOffset.of) {
		s.fault(0, fault.Fault{Kind: kind, At: at, Times: 1})
		g := s.get(http.MethodGet, "/small", "")
		s.fault(0, fault.Fault{})
		s.whole(g, http.StatusOK, content["/small"])
	}
	s.taken()
}

// A part of the object, both ends included.
const partFirst, partLast = 1_000_001, bigSize - 2

// mostLate is how often an edge may be late by itself, before what is to happen to it does.
const mostLate = 5

// survive breaks the first edge's answer for a whole object and for a part.
func survive(t *testing.T, s *stage, f fault.Fault) {
	t.Helper()
	late := f.Kind == fault.Stop || f.Kind == fault.Trickle // on a busy machine both edges are
	for _, part := range []bool{false, true} {
		struck, moves := broken(t, s, f, part)
		for again := 0; late && struck == 0 && again < mostLate; again++ { // with its head even: the other one went on before the fault
			struck, moves = broken(t, s, f, part)
		}
		hits := f.Kind != fault.Long && !(part && f.At > partLast-partFirst) && !(f.Kind == fault.Trickle && f.At == bigSize-1)
		if struck == 0 || hits && (len(moves) == 0 || !moves[0].OK || moves[0].To != "edge-2" && !late) {
			t.Fatalf("%+v: struck %d, takeovers %+v", f, struck, moves)
		}
	}
}

// broken asks once, and sees that the answer is whole.
func broken(t *testing.T, s *stage, f fault.Fault, part bool) (struck int, moves []Takeover) {
	t.Helper()
	s.taken()
	s.fault(0, f)
	want, status, ask := content["/big"], http.StatusOK, ""
	if part {
		want, status, ask = want[partFirst:partLast+1], http.StatusPartialContent, fmt.Sprintf("bytes=%d-%d", partFirst, partLast)
	}
	g := s.get(http.MethodGet, "/big", ask)
	struck = s.edges[0].proxy.Struck()
	s.fault(0, fault.Fault{})
	s.whole(g, status, want)
	if part && g.header.Get("Content-Range") != fmt.Sprintf("bytes %d-%d/%d", partFirst, partLast, bigSize) {
		t.Fatalf("Content-Range %q", g.header.Get("Content-Range"))
	}
	moves, _ = s.taken()
	return struck, moves
}

// 200 offsets of a segment, and each of a small one, as the edge is killed.
func TestKilledAtEveryByte(t *testing.T) {
	for _, front := range fronts {
		t.Run(front.name, func(t *testing.T) {
			t.Parallel()
			o := front.o
			o.cfg = patient
			s := newStage(t, o)
			offsets := int64(200)
			if front.name != "plain" && front.name != "loop" || testing.Short() {
				offsets = 20
			}
			for i := range offsets {
				at := min(i*bigSize/(offsets-1), bigSize-1)
				s.fault(0, fault.Fault{Kind: fault.Kill, At: at})
				s.whole(s.get(http.MethodGet, "/big", ""), http.StatusOK, content["/big"])
			}
			step := int64(1)
			if front.name != "plain" && front.name != "loop" || testing.Short() {
				step = 7
			}
			for at := int64(0); at < smallSize; at += step {
				s.fault(0, fault.Fault{Kind: fault.Close, At: at})
				s.whole(s.get(http.MethodGet, "/small", ""), http.StatusOK, content["/small"])
			}
			for _, m := range first(s.taken()) {
				if !m.OK || m.From != "edge-1" || m.To != "edge-2" {
					t.Fatalf("%+v", m)
				}
			}
		})
	}
}

func first[A, B any](a A, _ B) A { return a }

// A partner with another version is no partner: the connection breaks.
func TestVersionsAreNeverMixed(t *testing.T) {
	for _, front := range fronts {
		t.Run(front.name, func(t *testing.T) {
			t.Parallel()
			o := front.o
			o.versions = []int{1, 2}
			s := newStage(t, o)
			for _, path := range []string{"/big", "/plain", "/grow"} {
				for _, kind := range []fault.Kind{fault.Kill, fault.Close} {
					// The edge may be asked again, and fails again.
					s.fault(0, fault.Fault{Kind: kind, At: 50_000})
					g := s.get(http.MethodGet, path, "")
					if path == "/plain" && g.err == nil {
						// Without a validator all that counts is that the viewer has one
						// version, whole: the partner's begins with the same bytes.
						if last := len(g.body) - 1; last+1 != len(content[path]) || !bytes.Equal(g.body[:last], content[path][:last]) {
							t.Fatalf("%s after %s: mixed", path, kind)
						}
						continue
					}
					if g.err == nil || !bytes.Equal(g.body, content[path][:len(g.body)]) {
						t.Fatalf("%s after %s: %d bytes, %v", path, kind, len(g.body), g.err)
					}
					moves, _ := s.taken()
					if m := moves[len(moves)-1]; m.OK || m.To != "" {
						t.Fatalf("%s: takeovers %+v", path, moves)
					}
				}
			}
		})
	}
}

// An edge that announced more than the partner holds began another version.
func TestAnotherLengthIsNeverMixed(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	s.fault(0, fault.Fault{Kind: fault.Short, Times: 1})
	g := s.get(http.MethodGet, "/big", "")
	if g.err == nil || !bytes.Equal(g.body, content["/big"][:len(g.body)]) {
		t.Fatalf("%d bytes, %v", len(g.body), g.err)
	}
}

// If the partner fails too, the third goes on; two faults in one response.
func TestThirdEdgeGoesOn(t *testing.T) {
	for _, front := range fronts {
		t.Run(front.name, func(t *testing.T) {
			t.Parallel()
			o := front.o
			o.edges, o.versions = 3, []int{1, 1, 1}
			s := newStage(t, o)
			for _, second := range []fault.Kind{fault.Kill, fault.Refuse, fault.Stop, fault.Garbage, fault.Status} {
				s.fault(0, fault.Fault{Kind: fault.Kill, At: 1_500_000})
				s.fault(1, fault.Fault{Kind: second, At: 700_000})
				s.whole(s.get(http.MethodGet, "/big", ""), http.StatusOK, content["/big"])
				s.fault(1, fault.Fault{})
			}
			s.edges[1].version = 2
			s.whole(s.get(http.MethodGet, "/big", ""), http.StatusOK, content["/big"])
		})
	}
}

// A body whose length nobody knows is finished as well, and one without any
// validator is proved by what was sent already.
func TestGrowingAndUnvalidatedBodies(t *testing.T) {
	for _, front := range fronts {
		t.Run(front.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, front.o)
			for _, path := range []string{"/grow", "/plain"} {
				for _, kind := range []fault.Kind{fault.Kill, fault.Close, fault.Stop} {
					for _, at := range []int64{0, 1, 70_001, 299_000} {
						s.fault(0, fault.Fault{Kind: kind, At: at, Times: 1})
						s.whole(s.get(http.MethodGet, path, ""), http.StatusOK, content[path])
						if moves, _ := s.taken(); len(moves) != 1 || !moves[0].OK {
							t.Fatalf("%s %s@%d: %+v", path, kind, at, moves)
						}
					}
				}
			}
		})
	}
}

// HEAD and answers without a body are asked elsewhere too.
func TestHeadIsTakenOver(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	for _, kind := range []fault.Kind{fault.Refuse, fault.Garbage, fault.Status} {
		s.fault(0, fault.Fault{Kind: kind})
		g := s.get(http.MethodHead, "/big", "")
		s.whole(g, http.StatusOK, nil)
		if n := g.header.Get("Content-Length"); n != fmt.Sprint(bigSize) {
			t.Fatalf("Content-Length %s", n)
		}
		if timing := g.header.Values("Server-Timing"); len(timing) != 2 || timing[1] != `takeover;desc="edge-1>edge-2"` {
			t.Fatalf("Server-Timing %q", timing)
		}
		moves, failed := s.taken()
		if len(moves) != 1 || moves[0].Phase != "head" || moves[0].Path != "/big" {
			t.Fatalf("%+v", moves)
		}
		if moves[0].Lost != (kind == fault.Refuse) { // two edges that send garbage have sent what was asked
			t.Fatalf("%s: %+v", kind, moves)
		}
		if kind != fault.Status && (len(failed) != 1 || failed[0] != "edge-1 "+moves[0].Cause) {
			t.Fatalf("evidence %q", failed)
		}
	}
	s.fault(0, fault.Fault{})
	s.whole(s.get(http.MethodHead, "/none", ""), http.StatusNotFound, nil)
}

// When everybody is gone before the head, the viewer is told so.
func TestNobodyIsLeft(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	s.fault(0, fault.Fault{Kind: fault.Refuse})
	s.fault(1, fault.Fault{Kind: fault.Refuse})
	begun := time.Now()
	if g := s.get(http.MethodGet, "/big", ""); g.status != http.StatusServiceUnavailable || g.header.Get(wire.HeaderReason) != wire.ReasonNoEdge {
		t.Fatalf("%d, %v", g.status, g.err)
	}
	if took := time.Since(begun); took > 5*time.Second {
		t.Fatalf("took %s", took)
	}
	if g := s.get(http.MethodPost, "/big", ""); g.status != http.StatusMethodNotAllowed {
		t.Fatalf("%d", g.status)
	}
}

// When all are there and the origin's answer broke off at each of them, it is the origin's
// fault.
func TestAllHaveFailedForTheOrigin(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	s.fault(0, fault.Fault{Kind: fault.Status})
	s.fault(1, fault.Fault{Kind: fault.Status})
	if g := s.get(http.MethodGet, "/big", ""); g.status != http.StatusBadGateway || g.header.Get(wire.HeaderReason) != call.ReasonBroke {
		t.Fatalf("%d %s, %v", g.status, g.header.Get(wire.HeaderReason), g.err)
	}
}
