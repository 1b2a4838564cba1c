package proxy

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"tandem/internal/fault"
)

// A body stands still, and its edge, when it is asked, says that it waits for the origin:
// it is waited for, as often as it says so, and nobody else is asked. One that does not say
// so hangs.
func TestEdgeThatSaysThatItWaitsIsNotPassedBy(t *testing.T) { both(t, edgeThatSaysThatItWaits) }

func edgeThatSaysThatItWaits(t *testing.T, o stageOptions) {
	t.Parallel()
	o.cfg = Config{Silence: 100 * time.Millisecond, FirstByte: 8 * time.Second, Total: 10 * time.Second, Connect: time.Second}
	s := newStage(t, o)
	var asks atomic.Int64
	s.c.deps.Waits = func(_ context.Context, edge, named string, got int64) bool {
		if edge != "edge-1" || named != "1" || got <= 0 || got > 100_000 {
			t.Errorf("%s is asked about %q, of which %d bytes have come", edge, named, got)
		}
		if asks.Add(1) == 3 {
			s.fault(0, fault.Fault{}) // the origin goes on
		}
		return true
	}
	s.fault(0, fault.Fault{Kind: fault.Stop, At: 100_000})
	s.whole(s.get(http.MethodGet, "/grow", ""), http.StatusOK, content["/grow"])
	if moves, failed := s.taken(); len(moves)+len(failed) != 0 || s.edges[1].asked.Load() != 0 || asks.Load() < 3 {
		t.Errorf("asked %d times; takeovers %+v, evidence %v", asks.Load(), moves, failed)
	}

	hangs := newStage(t, o)
	hangs.c.deps.Waits = func(context.Context, string, string, int64) bool { return false }
	hangs.fault(0, fault.Fault{Kind: fault.Stop, At: 100_000})
	hangs.whole(hangs.get(http.MethodGet, "/grow", ""), http.StatusOK, content["/grow"])
	if moves, _ := hangs.taken(); len(moves) != 1 || moves[0].Phase != "waiting" {
		t.Errorf("takeovers %+v", moves)
	}
}
