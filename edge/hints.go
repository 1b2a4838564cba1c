package edge

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"tandem/edge/rules"

	"tandem/internal/ring"
	"tandem/internal/wire"
	"tandem/segstore"
)

// Limits of telling the partner what is being filled.
const (
	hintsAtOnce = 256
	copyWorkers = 8
	copyLimit   = time.Minute
	hintLimit   = 2 * time.Second
	hintAgain   = 500 * time.Millisecond
	maxLate     = 10000 // hints that wait to be told again
)

// hint is an object that this edge fills and the other member is to copy
// (claim 5: edge i stores, edge i+1 stores the same).
type hint struct {
	key  string
	pair wire.PairID
}

// hint notes that this edge fills an object. When more are waiting than can be
// told the copy is made up for by the next comparison of inventories.
func (e *Edge) hint(key string, pair wire.PairID) {
	select {
	case e.hints <- hint{key, pair}:
	default:
	}
}

// sendHints tells partners, many objects at a time. What could not be told is
// told again: a neighbour that was busy for a moment must not lack a copy until
// the next comparison.
func (e *Edge) sendHints(ctx context.Context) error {
	again := time.NewTicker(hintAgain)
	defer again.Stop()
	late := map[hint]bool{}
	for {
		batches := map[wire.PairID][]string{}
		select {
		case <-ctx.Done():
			return nil
		case <-again.C:
			for h := range late {
				if len(batches[h.pair]) < hintsAtOnce {
					batches[h.pair] = append(batches[h.pair], h.key)
					delete(late, h)
				}
			}
		case first := <-e.hints:
			batches[first.pair] = []string{first.key}
			for n := 1; n < hintsAtOnce && len(e.hints) > 0; n++ {
				h := <-e.hints
				batches[h.pair] = append(batches[h.pair], h.key)
			}
		}
		for pair, keys := range batches {
			if e.tell(ctx, pair, keys) {
				continue
			}
			for _, key := range keys {
				if len(late) < maxLate {
					late[hint{key, pair}] = true
				}
			}
		}
	}
}

// tell sends one hint to the other member of a pair. False: it is there, and
// could not be told; one that is dead copies when it is back.
func (e *Edge) tell(ctx context.Context, pair wire.PairID, keys []string) bool {
	p := e.placement()
	q, ok := p.Pair(pair)
	if !ok {
		return true
	}
	other := q.Low
	if other == e.cfg.Name {
		other = q.High
	}
	edge, ok := p.Edge(other)
	switch {
	case !ok || edge.State == wire.EdgeDown:
		return true
	case e.avoided(other):
		return false
	}
	if e.post(ctx, hintLimit, edge.HTTP+wire.PathCopy, wire.CopyHint{From: e.cfg.Name, Pair: pair, Keys: keys}, nil) != nil {
		return false
	}
	e.counts.hinted.Add(int64(len(keys)))
	return true
}

// handleCopy copies what a neighbour has or is getting. The answer comes at
// once; what can't be copied is found by the next comparison.
func (e *Edge) handleCopy(w http.ResponseWriter, r *http.Request) {
	var h wire.CopyHint
	if !read(w, r, &h) {
		return
	}
	if len(h.Keys) > hintsAtOnce {
		http.Error(w, "too many keys", http.StatusRequestEntityTooLarge)
		return
	}
	for _, key := range h.Keys {
		if len(key) > rules.MaxKey || e.store.Has(key) {
			continue
		}
		select {
		case e.copies <- copyJob{key, h.From, h.Pair}:
		default: // the next comparison finds it
		}
	}
	w.WriteHeader(http.StatusNoContent)
}

// copyJob is an object that a neighbour has or is getting.
type copyJob struct {
	key, from string
	pair      wire.PairID
}

// copyHinted copies what neighbours have told of, a few objects at a time.
func (e *Edge) copyHinted(ctx context.Context) error {
	var under sync.WaitGroup
	defer under.Wait()
	for range copyWorkers {
		under.Add(1)
		go func() {
			defer under.Done()
			for {
				select {
				case <-ctx.Done():
					return
				case job := <-e.copies:
					e.copyOne(ctx, job)
				}
			}
		}()
	}
	return nil
}

func (e *Edge) copyOne(ctx context.Context, job copyJob) {
	if e.store.Has(job.key) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, copyLimit)
	defer cancel()
	err := e.store.Fill(ctx, job.key, e.source(order{key: job.key, pair: job.pair}))
	if err != nil && !errors.Is(err, segstore.ErrClosed) && !errors.Is(err, errPass) && ctx.Err() == nil {
		e.log.Debug().Err(err).Str("key", job.key).Str("from", job.from).Msg("copy failed")
	}
}

// partnerOf is the other member of a pair while it holds a copy, "" otherwise.
func partnerOf(p *wire.Placement, q *wire.Pair, me string) string {
	other := q.Low
	if other == me {
		other = q.High
	}
	if edge, ok := p.Edge(other); ok && ring.HasCopy(edge.State) {
		return other
	}
	return ""
}
