package lb

import (
	"testing"
	"time"

	"tandem/internal/wire"
)

func TestWhatIsRememberedOfViewersEnds(t *testing.T) {
	now := time.Unix(1000, 0)
	k := newKnown(func() time.Time { return now })
	one := seat{id: wire.SessionID{Pair: 1, Slot: 2, Generation: 3}}
	k.put("a", one)
	if _, ok := k.findLoose("a"); ok {
		t.Fatal("recognised by an address that asked no segment")
	}
	if _, ok := k.asked("a"); !ok {
		t.Fatal("forgotten")
	}
	if _, ok := k.findLoose("a"); !ok {
		t.Fatal("not recognised")
	}
	k.forget("a", wire.SessionID{})
	now = now.Add(looseWithin + time.Second)
	if _, ok := k.findLoose("a"); ok {
		t.Fatal("recognised by segments of long ago")
	}
	now = now.Add(knownFor + time.Second)
	if _, ok := k.find("a"); ok || len(k.keys) != 0 || k.used.Len() != 0 {
		t.Fatal("remembered for ever")
	}
	k.put("b", one)
	k.forget("b", one.id)
	if _, ok := k.find("b"); ok {
		t.Fatal("a refused session is still given")
	}
}
