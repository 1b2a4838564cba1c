package lb

import (
	"context"
	"testing"
)

// TestAViewerWhoHasGoneKeepsNoSlot: its edge is told over the wire that nobody has it.
func TestAViewerWhoHasGoneKeepsNoSlot(t *testing.T) {
	c := newStage(t, stageOptions{edges: 1, capacity: 8})
	m, opens := c.member("edge-1"), make(chan struct{})
	m.locked(func() { m.opens = opens })
	ctx, leave := context.WithCancel(context.Background())
	gone := make(chan string)
	go func() {
		_, reason := c.lb.opener.Open(ctx, "/film/", "192.0.2.1", false)
		gone <- reason
	}()
	until(t, "the edge is asked", func() (asked bool) { m.locked(func() { asked = m.awaited > 0 }); return asked })
	leave()
	if reason := <-gone; reason == "" {
		t.Fatal("it has got a slot before the edge gave one")
	}
	close(opens)
	until(t, "the slot is given back", func() (back bool) { m.locked(func() { back = m.opened == 1 && len(m.closed) == 1 }); return back })
	m.locked(func() {
		if id := m.closed[0]; id.Pair == 0 || id.Generation != 1001 {
			t.Errorf("given back: %+v", id)
		}
	})
}
