package sealedhead

import (
	"testing"
	"time"
)

// A request that came before proves nothing: who plays it back gets no balancer's rights
// at the edge's budgets.
func TestARequestThatCameBeforeProvesNothing(t *testing.T) {
	g := NewGrants("edge-1", time.Now)
	k := meet(t, g, "edge-1", good)
	first, _ := k.Seal(nil, []byte(request))
	second, _ := k.Seal(nil, []byte(request))
	for range 2 {
		if !g.Proves(string(first)) || !g.Proves(string(second)) {
			t.Fatal("what was not opened yet")
		}
	}
	if _, _, err := g.Open(string(second)); err != nil {
		t.Fatal(err)
	}
	if g.Proves(string(second)) || !g.Proves(string(first)) {
		t.Error("the one that was opened, or the other")
	}
}
