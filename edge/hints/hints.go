package hints

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"tandem/internal/call"
	"tandem/internal/wire"
)

// AtOnce is how many hints of either kind are told at once.
const AtOnce = 256

// Limits of telling the partner.
const (
	limit   = 2 * time.Second
	again   = 500 * time.Millisecond
	queued  = 4096
	maxLate = 10000 // hints that wait to be told again
)

// hint is an object that this edge fills and the other member is to copy
// (claim 5: edge i stores, edge i+1 stores the same), or what that is to know of a live
// manifest that nobody may keep.
type hint struct {
	text  string // a key, or what was given
	pair  wire.PairID
	given bool
}

// View is the cluster as this edge sees it.
type View interface {
	Placement() *wire.Placement
	BacksOff(peer string) bool
}

// Hints tell the other members of pairs what they are to copy, and to know. Safe for many
// goroutines.
type Hints struct {
	name  string // of this edge
	view  View
	call  *call.Client
	told  *atomic.Int64 // objects
	queue chan hint
}

// New makes those of the edge of that name.
func New(name string, view View, by *call.Client, told *atomic.Int64) *Hints {
	return &Hints{name, view, by, told, make(chan hint, queued)}
}

// Add notes an object that a pair's other member is to have. When more are waiting
// than can be told the copy is made up for by the next comparison of inventories.
func (h *Hints) Add(key string, pair wire.PairID) { h.add(hint{text: key, pair: pair}) }

// Given notes what a pair's other member is to know of a manifest that viewers were given
// here. When more are waiting than can be told, it does not hear of this version.
func (h *Hints) Given(what string, pair wire.PairID) {
	h.add(hint{text: what, pair: pair, given: true})
}

func (h *Hints) add(one hint) {
	select {
	case h.queue <- one:
	default:
	}
}

// Run tells partners, many objects at a time, until ctx ends. What could not be told is
// told again: a neighbour that was busy for a moment must not lack a copy until
// the next comparison. What viewers were given is not: the next version says it as well.
func (h *Hints) Run(ctx context.Context) error {
	again := time.NewTicker(again)
	defer again.Stop()
	late := map[hint]bool{}
	for {
		batches := map[wire.PairID]*wire.CopyHint{}
		select {
		case <-ctx.Done():
			return nil
		case <-again.C:
			for one := range late {
				if len(h.batch(batches, one.pair).Keys) < AtOnce {
					h.put(batches, one)
					delete(late, one)
				}
			}
		case first := <-h.queue:
			h.put(batches, first)
			for n := 1; n < AtOnce && len(h.queue) > 0; n++ {
				h.put(batches, <-h.queue)
			}
		}
		for _, batch := range batches {
			if h.tell(ctx, batch) {
				continue
			}
			for _, key := range batch.Keys {
				if len(late) < maxLate {
					late[hint{text: key, pair: batch.Pair}] = true
				}
			}
		}
	}
}

func (h *Hints) batch(batches map[wire.PairID]*wire.CopyHint, pair wire.PairID) *wire.CopyHint {
	if batches[pair] == nil {
		batches[pair] = &wire.CopyHint{From: h.name, Pair: pair}
	}
	return batches[pair]
}

func (h *Hints) put(batches map[wire.PairID]*wire.CopyHint, one hint) {
	b := h.batch(batches, one.pair)
	if one.given {
		b.Given = append(b.Given, one.text)
	} else {
		b.Keys = append(b.Keys, one.text)
	}
}

// tell sends one hint to the other member of a pair. False: it is there, and
// could not be told; one that is dead copies when it is back.
func (h *Hints) tell(ctx context.Context, batch *wire.CopyHint) bool {
	p := h.view.Placement()
	q, ok := p.Pair(batch.Pair)
	if !ok || len(batch.Keys)+len(batch.Given) == 0 {
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
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if h.call.Ask(ctx, http.MethodPost, edge.HTTP+wire.PathCopy, batch, nil) != nil {
		return false
	}
	h.told.Add(int64(len(batch.Keys)))
	return true
}
