package placement

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// script is a log that is applied as it is written, and again at the end to a
// second state, which has to be the same to the byte.
type script struct {
	t     testing.TB
	state *State
	log   [][]byte
}

func newScript(t testing.TB) *script {
	s := &script{t: t, state: NewState()}
	t.Cleanup(s.replay)
	return s
}

func (s *script) raw(b []byte) Result {
	s.t.Helper()
	s.log = append(s.log, b)
	r := s.state.Apply(uint64(len(s.log)), b)
	if err := s.state.Check(); err != nil {
		s.t.Fatalf("command %d %.300s: %v", len(s.log), b, err)
	}
	if v := s.state.Placement().Version; v != uint64(len(s.log)) {
		s.t.Fatalf("version %d after command %d", v, len(s.log))
	}
	return r
}

func (s *script) do(c Command) Result {
	s.t.Helper()
	c.At = 1_000_000 + int64(len(s.log))
	c = completed(c, s.state.placement, s.state.founding)
	b, err := c.Encode()
	if err != nil {
		s.t.Fatal(err)
	}
	return s.raw(b)
}

// must carries out a command that has to change something.
func (s *script) must(c Command) Result {
	s.t.Helper()
	r := s.do(c)
	if r.Err != "" || !r.Changed {
		s.t.Fatalf("%s: %+v", c.Kind, r)
	}
	return r
}

func (s *script) replay() {
	if s.t.Failed() {
		return
	}
	again := NewState()
	for i, b := range s.log {
		again.Apply(uint64(i+1), b)
	}
	if a, b := imageOf(s.t, s.state), imageOf(s.t, again); !bytes.Equal(a, b) {
		s.t.Errorf("the same log gave two states:\n%s\n%s", a, b)
	}
	restored, err := ReadState(bytes.NewReader(imageOf(s.t, s.state)))
	if err != nil {
		s.t.Fatal(err)
	}
	if a, b := imageOf(s.t, s.state), imageOf(s.t, restored); !bytes.Equal(a, b) {
		s.t.Errorf("the snapshot is not the state:\n%s\n%s", a, b)
	}
}

// failer is what *testing.T and *rapid.T have in common.
type failer interface {
	Helper()
	Fatal(args ...any)
}

func imageOf(t failer, s *State) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := s.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// text is a placement without its version, to compare what a command changed.
func text(t failer, p *wire.Placement) string {
	t.Helper()
	cp := *p
	cp.Version = 0
	b, err := json.Marshal(&cp)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func up(name string, incarnation uint64) Command {
	return Command{Kind: EdgeUp, Edge: &wire.Edge{
		Name: name, HTTP: "http://" + name, Admin: "http://admin." + name, Capacity: 8, Incarnation: incarnation,
	}}
}

// four is the cluster of figures 16 and 17: four edges of 8, every boundary 4.
func four(t testing.TB) *script {
	s := newScript(t)
	for i := 1; i <= 4; i++ {
		s.must(up(fmt.Sprintf("e%d", i), 1))
	}
	s.must(Command{Kind: Place, Stream: "/sample/", Pair: 1})
	return s
}

// full is the load of figure 16: 4 sessions as low, 2 as high, in every pair.
func full(p *wire.Placement) []ring.Load {
	var loads []ring.Load
	for _, q := range p.Pairs {
		loads = append(loads, ring.Load{Pair: q.ID, Taken: []wire.Run{{From: 0, To: 4}, {From: 6, To: 8}}})
	}
	return loads
}

func (s *script) edge(name string) wire.Edge {
	s.t.Helper()
	e, ok := s.state.Placement().Edge(name)
	if !ok {
		s.t.Fatalf("no edge %s", name)
	}
	return e
}

func (s *script) state4(want string) {
	s.t.Helper()
	var got []string
	for _, e := range s.state.Placement().Edges {
		got = append(got, string(e.State))
	}
	if strings.Join(got, " ") != want {
		s.t.Fatalf("states %q, want %q", strings.Join(got, " "), want)
	}
}

func (s *script) boundaries(want ...int) {
	s.t.Helper()
	var got []int
	for _, q := range s.state.Placement().Pairs {
		got = append(got, q.Boundary)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		s.t.Fatalf("boundaries %v, want %v", got, want)
	}
}
