package eviction

import (
	"fmt"
	"testing"
)

func TestWhatIsAskedForAgainOutlivesAScan(t *testing.T) {
	o := New[int]()
	total := 0
	add := func(key string) *Node[int] {
		n := &Node[int]{Key: key, Size: 10}
		o.Add(n)
		total++
		return n
	}
	hot := make(map[*Node[int]]bool)
	for i := range 50 {
		n := add(fmt.Sprint("hot", i))
		n.Hit()
		n.Hit()
		hot[n] = true
	}
	for i := range 1000 { // a viewer seeks through a film: each once
		add(fmt.Sprint("scan", i))
		for total > 100 {
			n := o.Victim()
			if hot[n] {
				t.Fatalf("%s was thrown out after %d of the scan", n.Key, i)
			}
			total--
		}
	}
	back := add("scan0") // thrown out long ago, and asked for again
	if back.list != &o.small && back.list != &o.main {
		t.Error("nowhere")
	}
	if again := add("scan990"); again.list == &o.small && len(o.ghost) == 0 {
		t.Error("nothing is remembered")
	}
	for o.Victim() != nil {
		total--
	}
	if total != 0 || o.small.bytes != 0 || o.main.bytes != 0 {
		t.Errorf("%d nodes, %d and %d bytes are left", total, o.small.bytes, o.main.bytes)
	}
}

func TestGhostsAreBounded(t *testing.T) {
	o := New[int]()
	for i := range 3 * ghostKeys {
		o.remember(fmt.Sprint(i % (2 * ghostKeys)))
	}
	if len(o.ghost) > ghostKeys || len(o.ring) != ghostKeys {
		t.Errorf("%d keys, %d places", len(o.ghost), len(o.ring))
	}
}
