package turns

import (
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
)

var (
	many    = netip.MustParseAddr("2001:db8::1")
	sameNet = netip.MustParseAddr("2001:db8::2")
	other   = netip.MustParseAddr("::ffff:192.0.2.1")
)

// A client with many keeps another one waiting for one of them, and those who go on pass
// those who begin.
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
		if want := []string{"goes on", "other", "1", "2", "3", "same net"}; !slices.Equal(order, want) {
			t.Errorf("%q; want %q", order, want)
		}
		if taken, waits := turns.Taken(); taken != 0 || waits != 0 {
			t.Errorf("%d have a turn, %d wait at the end", taken, waits)
		}
	})
}

// Without a turn nothing is given, nor taken.
func TestWhoHasNoneWaitsAllTheSame(t *testing.T) {
	var none *Turn
	if n, err := none.Waiting(func(b []byte) (int, error) { return len(b), nil }, make([]byte, 3)); n != 3 || err != nil {
		t.Error(n, err)
	}
}
