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

// deltaTexts are what has changed since versions that edges are at, as JSON: most of
// them are at the same one.
type deltaTexts struct {
	mu   sync.Mutex
	to   uint64            // guarded by mu
	from map[uint64][]byte // guarded by mu; up to that version
}

// mostDeltas: edges that are at more versions than so many are answered all the same,
// their texts made each time anew.
const mostDeltas = 64

func (t *deltaTexts) of(d *wire.PlacementDelta) ([]byte, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.to != d.To {
		t.to, t.from = d.To, map[uint64][]byte{}
	}
	if text := t.from[d.From]; text != nil {
		return text, nil
	}
	text, err := json.Marshal(d)
	if err == nil && len(t.from) < mostDeltas {
		t.from[d.From] = text
	}
	return text, err
}

// placementSince is the answer to who has a version and wants a newer one: what has
// changed, for those who can take that in and are not too far behind, or the whole.
func (c *Control) placementSince(after uint64, r *http.Request, p *wire.Placement) (status int, text []byte, err error) {
	if r.Header.Get("A-IM") == wire.DeltaPlacement && !foreignTo(r.URL.Query().Get("cluster"), p) {
		if d := c.node.Since(after); d != nil {
			text, err = c.deltas.of(d)
			return http.StatusIMUsed, text, err
		}
	}
	text, err = c.polls.of(p)
	return http.StatusOK, text, err
}

// foreignTo tells whether who asks is of another cluster than this one: it has to see
// that at once, whatever its version is.
func foreignTo(cluster string, p *wire.Placement) bool {
	return cluster != "" && p.Cluster != "" && cluster != p.Cluster
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
		if newest || p.Version > after || foreignTo(r.URL.Query().Get("cluster"), p) {
			status, text, err := c.placementSince(after, r, p)
			if err != nil {
				call.RefuseNode(w, http.StatusInternalServerError, "encoding", err.Error())
				return
			}
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", strconv.Itoa(len(text)))
			if status == http.StatusIMUsed {
				w.Header().Set("IM", wire.DeltaPlacement)
			}
			w.WriteHeader(status)
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
