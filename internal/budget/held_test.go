package budget

import (
	"testing"
	"time"
)

func TestLevelsGoByBytesAndTime(t *testing.T) {
	for _, row := range []struct {
		bytes  int64
		since  time.Duration
		worse  int64
		during time.Duration
	}{
		{64 << 10, 0, 512 << 10, 0},
		{64 << 10, 0, 64 << 10, 5 * time.Second},
		{256 << 10, time.Second, 64 << 10, 20 * time.Second},
		{0, time.Hour, 1 << 10, 0},
		{1 << 20, 0, 128 << 10, time.Second}, // one that has just taken, and one that takes nothing
	} {
		if a, b := level(row.bytes, row.since), level(row.worse, row.during); a >= b {
			t.Errorf("%d bytes for %v are as bad as %d for %v: %d, %d", row.bytes, row.since, row.worse, row.during, a, b)
		}
	}
	if level(-1, -time.Second) != 0 || level(1<<62, 1<<62) != len(Levels{})-1 {
		t.Error("beyond the scale")
	}
}

// The worst go first, whoever has them; of those that are alike each gives its part; and
// what was told to go is not counted a second time.
func TestTheWorstHaveToGo(t *testing.T) {
	h := NewHeld(100, 0)
	a, b := h.Join(), h.Join()
	tell := func(s *Share, levels map[int]int64, want Excess, goes, much bool) {
		t.Helper()
		var l Levels
		for i, n := range levels {
			l[i] = n
		}
		if got, some, full := s.Tell(l); some != goes || full != much || some && got != want {
			t.Fatalf("%v: %+v, %v, %v; want %+v, %v, %v", levels, got, some, full, want, goes, much)
		}
	}
	tell(a, map[int]int64{10: 40}, Excess{}, false, false)
	tell(b, map[int]int64{10: 20}, Excess{}, false, true)
	tell(b, map[int]int64{10: 40, 20: 30}, Excess{Level: 20, Bytes: 11}, true, true) // 10 too many, and it has the worst
	if n := h.Bytes(); n != 99 {
		t.Fatalf("%d bytes", n)
	}
	tell(a, map[int]int64{10: 40}, Excess{}, false, true)
	tell(b, map[int]int64{10: 80, 20: 30}, Excess{Level: 10, Bytes: 14}, true, true) // all above, and of the level two thirds of what is left
	tell(a, map[int]int64{10: 40}, Excess{Level: 10, Bytes: 3}, true, true)
	tell(a, map[int]int64{0: 500}, Excess{}, false, true) // nothing to be had here
	b.Leave()
	h.Limit(400)
	tell(a, map[int]int64{0: 100, 5: 500}, Excess{Level: 5, Bytes: 201}, true, true)
	h.Limit(0)
	tell(a, map[int]int64{5: 5000}, Excess{}, false, false)
	if h.Limited() != 0 || h.Bytes() != 5000 {
		t.Error(h.Limited(), h.Bytes())
	}
}

// A thousand who take what they get hold too much together: nobody has to go who has
// taken something lately.
func TestWhoTakesLatelyIsSpared(t *testing.T) {
	h := NewHeld(100, 5*time.Second)
	s := h.Join()
	var l Levels
	l[s.Level(1<<30, 4999*time.Millisecond)] += 1 << 30
	if goes, some, _ := s.Tell(l); some {
		t.Fatalf("%+v has to go", goes)
	}
	l[s.Level(64<<10, 5*time.Second)] += 64 << 10
	if goes, some, _ := s.Tell(l); !some || goes.Level != 0 {
		t.Fatalf("%+v, %v: the one who takes nothing has to go, and no other", goes, some)
	}
}
