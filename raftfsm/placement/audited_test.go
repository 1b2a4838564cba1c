package placement

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"tandem/internal/wire"
)

// What operators asked is kept, bounded in number and in bytes, also in a snapshot;
// it changes nothing, and is carried out once.
func TestWhatOperatorsAskIsKept(t *testing.T) {
	s := newScript(t)
	order := func(n int) wire.Audited {
		return wire.Audited{Time: int64(n), Node: "lb-1", Who: "anna", Role: "admin", By: "token", From: "10.0.0.9", Method: "POST", Path: fmt.Sprintf("/api/v1/edges/e%d/drain", n), Status: 200}
	}
	before := s.state.placement
	for n := 0; n < keepAudited+60; n += 10 {
		c := Command{Kind: Audited, ID: fmt.Sprint("id ", n)}
		for i := range 10 {
			c.Audited = append(c.Audited, order(n+i))
		}
		for range 2 {
			if r := s.do(c); r.Err != "" || r.Changed {
				t.Fatalf("%+v", r)
			}
		}
	}
	kept := s.state.record.audited
	if len(kept) != keepAudited || kept[0] != order(60) || kept[keepAudited-1] != order(keepAudited+59) {
		t.Errorf("%d kept, from %+v to %+v", len(kept), kept[0], kept[len(kept)-1])
	}
	if p := s.state.placement; len(p.Edges) != len(before.Edges) || len(p.Pairs) != len(before.Pairs) {
		t.Error("the placement is another one")
	}
	long := order(1)
	long.Path = strings.Repeat("x", 5000)
	if r := s.do(Command{Kind: Audited, Audited: []wire.Audited{long}}); r.Err != "" {
		t.Fatal(r.Err)
	}
	if n := len(s.state.record.audited[keepAudited-1].Path); n > maxText {
		t.Errorf("a path of %d bytes", n)
	}
	for _, all := range [][]wire.Audited{nil, make([]wire.Audited, wire.MaxAudited+1)} {
		if r := s.do(Command{Kind: Audited, Audited: all}); r.Err == "" {
			t.Errorf("%d at once", len(all))
		}
	}
	var b bytes.Buffer
	if _, err := s.state.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	again, err := ReadState(&b)
	if err != nil || !slices.Equal(again.record.audited, s.state.record.audited) {
		t.Error("a snapshot holds others:", err)
	}
}
