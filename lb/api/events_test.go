package api

import (
	"testing"
	"time"

	"tandem/internal/wire"
)

func TestAWatcherThatReadsTooSlowlyIsCutOff(t *testing.T) {
	now := time.Unix(1, 0)
	h := NewEvents(func() time.Time { return now })
	events, cancel := h.watch()
	defer cancel()
	for range subscriberQueue + 1 {
		h.placed(wire.Event{Kind: "place"})
	}
	n := 0
	for range events {
		n++
	}
	if n != subscriberQueue || h.watching() != 0 {
		t.Fatalf("%d events, then closed; %d watch", n, h.watching())
	}
	for range 10 * keepEvents {
		now = now.Add(time.Second)
		h.Own(wire.Event{Kind: "takeover"})
	}
	if n := len(h.history(nil, 100000)); n > 2*keepEvents {
		t.Fatalf("%d events kept", n)
	}
	for range 1000 { // all in one second
		h.Refused(wire.Event{Kind: "refused"}, wire.ReasonCluster)
	}
	n = 0
	for _, e := range h.history(nil, 100000) {
		if e.Kind == "refused" {
			n++
		}
	}
	if n != 1 {
		t.Fatalf("%d refusals told in a second", n)
	}
}
