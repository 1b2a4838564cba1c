package proxy

import (
	"net/http"
	"testing"
	"time"

	"tandem/internal/fault"
)

// An edge dies while it gets an object that nobody else has, and of which the origin gives
// no strong validator: another edge's fetch has another name, and goes on with it where the
// bytes that the viewer has are the same.
func TestAnotherFetchOfTheSameBytesGoesOn(t *testing.T) { both(t, anotherFetchGoesOn) }

func anotherFetchGoesOn(t *testing.T, o stageOptions) {
	t.Parallel()
	o.cfg = Config{Silence: time.Second, FirstByte: 8 * time.Second, Total: 10 * time.Second, Connect: time.Second}
	s := newStage(t, o)
	s.fault(0, fault.Fault{Kind: fault.Kill, At: 100_000})
	s.whole(s.get(http.MethodGet, "/made", ""), http.StatusOK, content["/made"])
	if moves, _ := s.taken(); len(moves) != 1 || moves[0].To != "edge-2" || moves[0].Offset <= 0 {
		t.Errorf("takeovers %+v", moves)
	}
}
