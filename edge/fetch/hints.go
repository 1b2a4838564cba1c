package fetch

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"tandem/internal/call"
	"tandem/internal/wire"
)

// Limits of telling the partner what is being filled.
const (
	hintsAtOnce = 256
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

// hints tell the other members of pairs what they are to copy.
type hints struct {
	name  string // of this edge
	view  *View
	call  *call.Client
	told  *atomic.Int64
	queue chan hint
}

// add notes an object that a pair's other member is to have. When more are waiting
// than can be told the copy is made up for by the next comparison of inventories.
func (h *hints) add(key string, pair wire.PairID) {
	select {
	case h.queue <- hint{key, pair}:
	default:
	}
}

// run tells partners, many objects at a time. What could not be told is
// told again: a neighbour that was busy for a moment must not lack a copy until
// the next comparison.
func (h *hints) run(ctx context.Context) error {
	again := time.NewTicker(hintAgain)
	defer again.Stop()
	late := map[hint]bool{}
	for {
		batches := map[wire.PairID][]string{}
		select {
		case <-ctx.Done():
			return nil
		case <-again.C:
			for one := range late {
				if len(batches[one.pair]) < hintsAtOnce {
					batches[one.pair] = append(batches[one.pair], one.key)
					delete(late, one)
				}
			}
		case first := <-h.queue:
			batches[first.pair] = []string{first.key}
			for n := 1; n < hintsAtOnce && len(h.queue) > 0; n++ {
				next := <-h.queue
				batches[next.pair] = append(batches[next.pair], next.key)
			}
		}
		for pair, keys := range batches {
			if h.tell(ctx, pair, keys) {
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
func (h *hints) tell(ctx context.Context, pair wire.PairID, keys []string) bool {
	p := h.view.Placement()
	q, ok := p.Pair(pair)
	if !ok {
		return true
	}
	other := q.Low
	if other == h.name {
		other = q.High
	}
	edge, ok := p.Edge(other)
	switch {
	case !ok || edge.State == wire.EdgeDown:
		return true
	case h.view.BacksOff(other):
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, hintLimit)
	defer cancel()
	if h.call.Ask(ctx, http.MethodPost, edge.HTTP+wire.PathCopy, wire.CopyHint{From: h.name, Pair: pair, Keys: keys}, nil) != nil {
		return false
	}
	h.told.Add(int64(len(keys)))
	return true
}
