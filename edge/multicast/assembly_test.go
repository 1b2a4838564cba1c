package multicast

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"tandem/internal/wire"
)

func TestAnAssemblyIsTheObjectInWhateverOrderItComes(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 30 {
		size := int64(1 + r.IntN(200_000))
		want := make([]byte, size)
		for i := range want {
			want[i] = byte(r.Uint32())
		}
		all := assemblies{all: map[uint64]*assembly{}, room: assemblyBytes}
		a := all.begin(wire.Datagram{Object: 1, Key: "/a", Total: size}, time.Now())
		there := make([]bool, size)
		for n := 0; len(a.gaps()) > 0; n++ {
			first := r.Int64N(size)
			end := min(first+1+r.Int64N(max(size/8, 1)), size)
			if gaps := a.gaps(); n > 100 { // the rest is asked for
				first, end = gaps[0].first, gaps[0].end
			}
			a.add(first, want[first:end], time.Now(), true)
			for i := first; i < end; i++ {
				there[i] = true
			}
			agree(t, a, there, want)
		}
		select {
		case <-a.grew:
		default:
			t.Fatal("nobody was told that it is whole")
		}
		a.add(size, []byte("more"), time.Now(), true)
		if !bytes.Equal(a.from(0), want) {
			t.Fatal("the whole is not the object")
		}
	}
}

// agree compares an assembly with a list of the bytes that are there.
func agree(t *testing.T, a *assembly, there []bool, want []byte) {
	t.Helper()
	a.mu.Lock()
	gaps := a.missing(0, int64(len(a.body)))
	a.mu.Unlock()
	missing := make([]bool, len(there))
	for i, g := range gaps {
		if g.first >= g.end || i > 0 && gaps[i-1].end >= g.first {
			t.Fatalf("gaps %v", gaps)
		}
		for at := g.first; at < g.end; at++ {
			missing[at] = true
		}
	}
	front := -1
	for i := range there {
		if there[i] == missing[i] {
			t.Fatalf("byte %d: there %v, missing %v", i, there[i], missing[i])
		}
		if !there[i] && front < 0 {
			front = i
		}
	}
	if front < 0 {
		front = len(there)
	}
	if !bytes.Equal(a.from(0), want[:front]) {
		t.Fatalf("%d bytes at the front, want %d", len(a.from(0)), front)
	}
}

func TestManyGapsAreAskedForAsOne(t *testing.T) {
	all := assemblies{all: map[uint64]*assembly{}, room: assemblyBytes}
	a := all.begin(wire.Datagram{Object: 1, Key: "/a", Total: 10 * maxGaps}, time.Now())
	for i := range int64(2 * maxGaps) {
		a.add(i*5, []byte("x"), time.Now(), true)
	}
	if gaps := a.gaps(); len(gaps) != 1 || gaps[0] != (span{1, 10 * maxGaps}) {
		t.Errorf("%v", gaps)
	}
}

func TestWhatIsPutTogetherIsBounded(t *testing.T) {
	all := assemblies{all: map[uint64]*assembly{}, room: assemblyBytes}
	now := time.Now()
	begin := func(object uint64, size int64) *assembly {
		return all.begin(wire.Datagram{Object: object, Key: "/a", Total: size}, now)
	}
	if begin(1, wire.MaxDatagramObject+1) != nil {
		t.Error("too large, and begun")
	}
	for i := range uint64(assemblyBytes / wire.MaxDatagramObject) {
		if begin(i, wire.MaxDatagramObject) == nil {
			t.Fatalf("number %d had no room", i)
		}
	}
	if begin(1000, 1) != nil {
		t.Error("beyond the bytes, and begun")
	}
	if begin(1, 17) != nil {
		t.Error("other bytes under the same number")
	}
	if a := begin(1, wire.MaxDatagramObject); a == nil || !a.claim() || a.claim() {
		t.Error("the one that is there can be filled from once")
	}
	all.sweep(now.Add(2 * assemblyIdle)) // all but the one that is filled from
	if len(all.all) != 1 || all.bytes != wire.MaxDatagramObject {
		t.Errorf("%d are left, %d bytes", len(all.all), all.bytes)
	}
	all.end(all.find(1))
	for i := range uint64(assemblyCount) {
		if begin(i, 1) == nil {
			t.Fatalf("number %d had no room", i)
		}
	}
	if begin(1000, 1) != nil {
		t.Error("beyond the count, and begun")
	}
	a := all.find(1)
	all.end(a)
	all.end(a)
	if all.bytes != assemblyCount-1 {
		t.Errorf("%d bytes", all.bytes)
	}
}
