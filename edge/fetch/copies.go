package fetch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"tandem/internal/cachekey"
	"tandem/internal/call"
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
func (f *Fetcher) hint(key string, pair wire.PairID) {
	select {
	case f.hints <- hint{key, pair}:
	default:
	}
}

// sendHints tells partners, many objects at a time. What could not be told is
// told again: a neighbour that was busy for a moment must not lack a copy until
// the next comparison.
func (f *Fetcher) sendHints(ctx context.Context) error {
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
		case first := <-f.hints:
			batches[first.pair] = []string{first.key}
			for n := 1; n < hintsAtOnce && len(f.hints) > 0; n++ {
				h := <-f.hints
				batches[h.pair] = append(batches[h.pair], h.key)
			}
		}
		for pair, keys := range batches {
			if f.tell(ctx, pair, keys) {
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
func (f *Fetcher) tell(ctx context.Context, pair wire.PairID, keys []string) bool {
	p := f.view.Placement()
	q, ok := p.Pair(pair)
	if !ok {
		return true
	}
	other := q.Low
	if other == f.cfg.Name {
		other = q.High
	}
	edge, ok := p.Edge(other)
	switch {
	case !ok || edge.State == wire.EdgeDown:
		return true
	case f.view.BacksOff(other):
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, hintLimit)
	defer cancel()
	if f.call.Ask(ctx, http.MethodPost, edge.HTTP+wire.PathCopy, wire.CopyHint{From: f.cfg.Name, Pair: pair, Keys: keys}, nil) != nil {
		return false
	}
	f.Counts.Hinted.Add(int64(len(keys)))
	return true
}

// HandleCopy copies what a neighbour has or is getting. The answer comes at
// once; what can't be copied is found by the next comparison.
func (f *Fetcher) HandleCopy(w http.ResponseWriter, r *http.Request) {
	var h wire.CopyHint
	if !call.Read(w, r, &h) {
		return
	}
	if len(h.Keys) > hintsAtOnce {
		http.Error(w, "too many keys", http.StatusRequestEntityTooLarge)
		return
	}
	for _, key := range h.Keys {
		if len(key) > cachekey.MaxKey || f.store.Has(key) {
			continue
		}
		select {
		case f.copies <- copyJob{key, h.From, h.Pair}:
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
func (f *Fetcher) copyHinted(ctx context.Context) error {
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
				case job := <-f.copies:
					f.copyOne(ctx, job)
				}
			}
		}()
	}
	return nil
}

func (f *Fetcher) copyOne(ctx context.Context, job copyJob) {
	if f.store.Has(job.key) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, copyLimit)
	defer cancel()
	err := f.store.Fill(ctx, job.key, f.source(fetchRequest{key: job.key, pair: job.pair}))
	if err != nil && !errors.Is(err, segstore.ErrClosed) && !errors.Is(err, ErrPass) && ctx.Err() == nil {
		f.log.Debug().Err(err).Str("key", job.key).Str("from", job.from).Msg("copy failed")
	}
}

// Copy copies one object from a neighbour, verified by its digest. One that the
// neighbour does not have any more is no failure.
func (f *Fetcher) Copy(ctx context.Context, from string, pair wire.PairID, it wire.Item) (copied bool, err error) {
	var gone atomic.Bool
	source := func(ctx context.Context, sink *segstore.Sink) error {
		a, err := f.askPeer(ctx, from, fetchRequest{key: it.Key, pair: pair}, true)
		if errors.Is(err, ErrNotHere) {
			gone.Store(true)
		}
		if err != nil {
			return err
		}
		defer a.close()
		a.meta.Digest = it.Digest
		if a.meta.ETag != it.ETag {
			gone.Store(true) // another version meanwhile: the next comparison finds it
			return ErrChanged
		}
		if err := sink.Begin(a.meta); err != nil {
			return err
		}
		_, err = f.drainInto(ctx, sink, a)
		return err
	}
	view, _, err := f.store.Refresh(ctx, it.Key, source)
	if err == nil {
		_, err = view.Digest(ctx)
		view.Close()
	}
	switch {
	case gone.Load():
		return false, nil
	case errors.Is(err, segstore.ErrTooLarge):
		return false, nil // this store is smaller than the neighbour's
	case err != nil:
		return false, fmt.Errorf("%s: %w", it.Key, err)
	}
	return true, nil
}

// Fill gets an object into the store, as a request that nobody waits for.
func (f *Fetcher) Fill(ctx context.Context, key string, pair wire.PairID) error {
	return f.store.Fill(ctx, key, f.source(fetchRequest{key: key, pair: pair}))
}
