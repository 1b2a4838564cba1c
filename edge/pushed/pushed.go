// Package pushed makes new for everybody at once what was pushed over a name at an origin of
// ours (docs/ingest.md).
//
// Always true:
//   - once a push was heard of, no copy from before is fresh here, none comes of a fetch that
//     began before, and none of a neighbour that has not heard of it.
//
// Guarded by: Record.mu. It starts no goroutine.
package pushed

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"tandem/internal/cachekey"
	"tandem/internal/call"
	"tandem/internal/wire"
	"tandem/segstore"
)

// Copies from before a push are fresh for a second at most; who has not heard of it for so
// long has none.
const (
	remembered = 3 * time.Second
	most       = 20_000
)

// Record is what was heard of. The zero value is ready.
type Record struct {
	mu      sync.Mutex
	heard   map[string]heard // by key; guarded by mu
	cleared time.Time        // guarded by mu
}

type heard struct {
	at    int64 // call.Pushed
	until time.Time
}

// Handler hears of pushes.
func (p *Record) Handler(store *segstore.Store, query cachekey.Query, now func() time.Time) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var said call.Pushed
		if !call.Read(w, r, &said) {
			return
		}
		for _, target := range said.Targets[:min(len(said.Targets), call.MaxPushed)] {
			if key, ok := cachekey.Of(target); ok {
				key = query.Apply(key)
				p.note(key, said.At, now()) // before: what comes between is from after it
				store.Expire(key)
			}
		}
		w.WriteHeader(http.StatusNoContent)
	}
}

func (p *Record) note(key string, at int64, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.heard == nil || len(p.heard) >= most {
		p.heard = map[string]heard{}
	}
	if now.Sub(p.cleared) > remembered {
		for key, h := range p.heard {
			if now.After(h.until) {
				delete(p.heard, key)
			}
		}
		p.cleared = now
	}
	p.heard[key] = heard{max(at, p.heard[key].at), now.Add(remembered)}
}

// at is the last push of a key that was heard of; 0: none.
func (p *Record) at(key string) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.heard[key].at
}

// Tell says in an answer to a neighbour, or with what is sent to one, which push of a key was
// heard of. It comes before the copy is looked for.
func (p *Record) Tell(h http.Header, key string) {
	if at := p.at(key); at != 0 {
		h.Set(wire.HeaderPushed, strconv.FormatInt(at, 10))
	}
}

// Old tells whether what a neighbour gives of a key may be from before a push that was heard
// of here.
func (p *Record) Old(h http.Header, key string) bool {
	at := p.at(key)
	if at == 0 {
		return false
	}
	said, _ := strconv.ParseInt(h.Get(wire.HeaderPushed), 10, 64)
	return said < at
}
