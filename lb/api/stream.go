package api

import (
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"tandem/internal/call"
)

// statusEvery is how old a status may be that is sent to those who watch: four
// a second, made once for all of them.
const statusEvery = 250 * time.Millisecond

// statusText is the latest status as JSON.
type statusText struct {
	mu   sync.Mutex
	at   time.Time // guarded by mu
	text []byte    // guarded by mu
}

func (a *API) statusJSON() []byte {
	a.statuses.mu.Lock()
	defer a.statuses.mu.Unlock()
	if now := a.deps.Now(); a.statuses.text == nil || now.Sub(a.statuses.at) >= statusEvery*9/10 {
		text, err := json.Marshal(a.status())
		if err != nil {
			return nil
		}
		a.statuses.at, a.statuses.text = now, text
	}
	return a.statuses.text
}

// maxWatches bounds the streams of events of one balancer, and slowWatch is how
// long one may block before it is cut off.
const (
	maxWatches = 200
	slowWatch  = 5 * time.Second
)

// handleEvents streams the status, four times a second, and every event.
func (a *API) handleEvents(w http.ResponseWriter, r *http.Request) {
	if a.deps.Events.watching() >= maxWatches {
		call.RefuseNode(w, http.StatusServiceUnavailable, "too_many", "too many watch already; ask "+Prefix+"/status instead")
		return
	}
	events, cancel := a.deps.Events.watch()
	defer cancel()
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	out := http.NewResponseController(w)
	send := func(kind string, text []byte) bool {
		_ = out.SetWriteDeadline(time.Now().Add(slowWatch))
		b := append(append([]byte("event: "+kind+"\ndata: "), text...), '\n', '\n')
		_, err := w.Write(b)
		return err == nil && out.Flush() == nil
	}
	if !send("status", a.statusJSON()) {
		return
	}
	tick := time.NewTicker(statusEvery)
	defer tick.Stop()
	for {
		select {
		case <-r.Context().Done():
			return
		case <-a.deps.Leaving:
			return
		case <-tick.C:
			if !send("status", a.statusJSON()) {
				return
			}
		case e, ok := <-events:
			if !ok {
				return // too slow
			}
			text, err := json.Marshal(e)
			if err != nil || !send("event", text) {
				return
			}
		}
	}
}
