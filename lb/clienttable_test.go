package lb

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"tandem/internal/wire"
)

func TestWhatIsRememberedOfViewersEnds(t *testing.T) {
	now := time.Unix(1000, 0)
	k := newClientTable(func() time.Time { return now })
	one := binding{id: wire.SessionID{Pair: 1, Slot: 2, Generation: 3}}
	k.put("a", one)
	if _, ok := k.findTokenless("a"); ok {
		t.Fatal("recognised by an address that asked no segment")
	}
	if _, ok := k.asked("a", true); !ok {
		t.Fatal("forgotten")
	}
	if _, ok := k.findTokenless("a"); !ok {
		t.Fatal("not recognised")
	}
	k.forget("a", wire.SessionID{})
	now = now.Add(tokenlessWithin + time.Second)
	if _, ok := k.findTokenless("a"); ok {
		t.Fatal("recognised by segments of long ago")
	}
	now = now.Add(rememberedFor + time.Second)
	if _, ok := k.find("a"); ok || len(k.keys) != 0 || k.used.Len() != 0 {
		t.Fatal("remembered for ever")
	}
	k.put("c", one)
	k.put("c", binding{id: wire.SessionID{Pair: 1, Slot: 3, Generation: 4}})
	if _, ok := k.asked("c", true); ok {
		t.Fatal("of two viewers that can't be told apart one is surely the other")
	}
	if _, ok := k.asked("c", false); !ok {
		t.Fatal("forgotten")
	}
	if _, ok := k.asked("c", true); !ok {
		t.Fatal("who asks so all the time is not who it was")
	}
	k.put("b", one)
	k.forget("b", one.id)
	if _, ok := k.find("b"); ok {
		t.Fatal("a refused session is still given")
	}
}

// What is remembered of a viewer is small, however much it sends.
func TestWhatIsRememberedOfAViewerIsSmall(t *testing.T) {
	const viewers, each = 1000, 4 << 10 // bytes
	k, all := newClientTable(time.Now), make([]bindings, viewers)
	before := heapInUse()
	for i := range viewers {
		head := strings.Repeat("A", 30_000) + fmt.Sprintf("%128d/film/", i)
		s := binding{stream: head[30_128:], sid: head[30_000:30_128]}
		k.put(tokenlessKey("192.0.2.1", head, s.stream), s)
		k.put(sidKey(s.sid, "192.0.2.1", s.stream), s)
		all[i].put(s.stream, head, s)
	}
	if n := int64(heapInUse()-before) / viewers; n > each {
		t.Fatalf("%d bytes of each viewer are kept", n)
	}
	runtime.KeepAlive(k)
	runtime.KeepAlive(all)
}

func heapInUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
