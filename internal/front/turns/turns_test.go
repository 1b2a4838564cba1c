package turns

import (
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var (
	many    = netip.MustParseAddr("2001:db8::1")
	sameNet = netip.MustParseAddr("2001:db8::2")
	other   = netip.MustParseAddr("::ffff:192.0.2.1")
)

// Who has many does not keep one waiting who was given less, and those who go on pass those
// who begin.
func TestAClientWithManyKeepsNobodyWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := New(1)
		var order []string // of who has the turn
		join := func(who string, of netip.Addr, wait func(*Turn)) {
			go func() {
				turn := turns.Of(of)
				wait(turn)
				order = append(order, who)
				turn.Give()
				turn.End()
			}()
			synctest.Wait()
		}
		answer := make(chan struct{})
		join("goes on", many, func(turn *Turn) {
			turn.Take()
			_, _ = turn.Waiting(func([]byte) (int, error) { <-answer; return 0, nil }, nil)
		})
		first := turns.Of(many)
		first.Take()
		for _, who := range []string{"1", "2", "3"} {
			join(who, many, (*Turn).Take)
		}
		join("same net", sameNet, (*Turn).Take)
		join("other", other, (*Turn).Take)
		close(answer)
		synctest.Wait()
		if taken, waits := turns.Taken(); taken != 1 || waits != 6 {
			t.Fatalf("%d have a turn, %d wait", taken, waits)
		}
		first.Give()
		synctest.Wait()
		if want := []string{"other", "goes on", "1", "2", "3", "same net"}; !slices.Equal(order, want) {
			t.Errorf("%q; want %q", order, want)
		}
		if taken, waits := turns.Taken(); taken != 0 || waits != 0 {
			t.Errorf("%d have a turn, %d wait at the end", taken, waits)
		}
		first.End()
	})
}

// Who has had turns for long while nobody waited owes nothing for that, and then pays for
// what each takes: of two one has long turns and gets fewer.
func TestTurnsAreAsLongAsTheyAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := New(1)
		first := turns.Of(many)
		for range 1000 {
			first.Take()
			time.Sleep(time.Millisecond)
			first.Give()
		}
		var end atomic.Bool
		var had [2]int
		var all sync.WaitGroup
		for range 8 {
			for i, row := range []struct {
				of    netip.Addr
				lasts time.Duration
			}{{many, 4 * time.Millisecond}, {other, time.Millisecond}} {
				all.Go(func() {
					turn := turns.Of(row.of)
					for !end.Load() {
						turn.Take()
						time.Sleep(row.lasts)
						had[i]++ // in one turn at a time
						turn.Give()
					}
				})
			}
		}
		time.Sleep(800 * time.Millisecond)
		end.Store(true)
		all.Wait()
		if had[0] < 95 || had[0] > 110 || had[1] < 390 || had[1] > 410 {
			t.Errorf("%d long ones, %d short ones; want 100 and 400", had[0], had[1])
		}
	})
}

// What is to begin has its turn until it has, and goes on without one.
func TestWhatBeginsInATurnGoesOnWithoutOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := New(1)
		one, on := turns.Of(many), make(chan struct{})
		one.Take()
		var all atomic.Int32
		for range 3 {
			go func() {
				ended := turns.Of(other).Begin()
				all.Add(1)
				ended()
				<-on
			}()
		}
		synctest.Wait()
		if begun := all.Load(); begun != 0 {
			t.Errorf("%d have begun without a turn", begun)
		}
		one.Give()
		synctest.Wait()
		begun := all.Load()
		if taken, waits := turns.Taken(); begun != 3 || taken != 0 || waits != 0 {
			t.Errorf("%d have begun, %d have a turn, %d wait", begun, taken, waits)
		}
		close(on)
	})
}

// Without a turn nothing is given, nor taken.
func TestWhoHasNoneWaitsAllTheSame(t *testing.T) {
	var none *Turn
	if n, err := none.Waiting(func(b []byte) (int, error) { return len(b), nil }, make([]byte, 3)); n != 3 || err != nil {
		t.Error(n, err)
	}
}
