package control

import (
	"encoding/json"
	"net/http"
	"strconv"
	"sync"
	"time"

	"tandem/internal/call"
	"tandem/internal/wire"
)

// placementText is the present placement as JSON, made once for all who poll.
type placementText struct {
	mu      sync.Mutex
	version uint64 // guarded by mu
	text    []byte // guarded by mu
}

func (t *placementText) of(p *wire.Placement) ([]byte, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.text == nil || t.version != p.Version {
		text, err := json.Marshal(p)
		if err != nil {
			return nil, err
		}
		t.version, t.text = p.Version, text
	}
	return t.text, nil
}

// handlePlacement waits for a placement newer than the one asked with.
func (c *Control) handlePlacement(w http.ResponseWriter, r *http.Request) {
	after, err := strconv.ParseUint(r.URL.Query().Get("after"), 10, 64)
	newest := err != nil // without a version: the present one at once
	limit := time.NewTimer(pollLimit)
	defer limit.Stop()
	for {
		changed := c.node.Watch()
		p := c.node.Placement()
		if newest || p.Version > after {
			text, err := c.polls.of(p)
			if err != nil {
				call.RefuseNode(w, http.StatusInternalServerError, "encoding", err.Error())
				return
			}
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", strconv.Itoa(len(text)))
			_, _ = w.Write(text) // who has gone polls again
			return
		}
		select {
		case <-changed:
			continue
		case <-r.Context().Done():
			return
		case <-limit.C:
		case <-c.deps.Leaving:
		}
		w.WriteHeader(http.StatusNoContent)
		return
	}
}
