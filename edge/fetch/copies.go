package fetch

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tandem/edge/hints"
	"tandem/edge/rules"
	"tandem/internal/cachekey"
	"tandem/internal/call"
	"tandem/internal/wire"
	"tandem/segstore"
)

// Limits of copying what a neighbour tells of.
const (
	copyWorkers = 8
	copyLimit   = time.Minute
)

// HandleCopy copies what a neighbour has or is getting. The answer comes at
// once; what can't be copied is found by the next comparison.
func (f *Fetcher) HandleCopy(w http.ResponseWriter, r *http.Request) {
	var h wire.CopyHint
	if !call.Read(w, r, &h) {
		return
	}
	if len(h.Keys)+len(h.Given) > hints.AtOnce {
		http.Error(w, "too many keys", http.StatusRequestEntityTooLarge)
		return
	}
	for _, what := range h.Given {
		f.Heard(what, h.Pair)
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

// Copy copies one object from a neighbour, verified by its digest, fresh or not: what a
// manifest said is needed to know where sessions are. One that the neighbour does not
// have any more is no failure.
func (f *Fetcher) Copy(ctx context.Context, from string, pair wire.PairID, it wire.Item) (copied bool, err error) {
	var gone atomic.Bool
	source := func(ctx context.Context, sink *segstore.Sink) error {
		a, err := f.askPeer(ctx, from, fetchRequest{key: it.Key, pair: pair, stale: true}, true)
		if errors.Is(err, ErrNotHere) {
			gone.Store(true)
		}
		if err != nil {
			return err
		}
		defer a.close()
		a.meta.Digest, a.meta.Pairs = it.Digest, segstore.Pair(uint32(pair))
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

// Wanted notes a hit by another pair than those that the copy is known for: that
// pair's other member is to have it as well (claim 5), and whoever comes into the pair
// later.
func (f *Fetcher) Wanted(x *Request, m *segstore.Meta) {
	if x.Pair == 0 || m.Volatile || !rules.Common(m.Vary) || m.Pairs.Has(uint32(x.Pair)) || !f.store.Note(x.Key, uint32(x.Pair)) || x.Peer {
		return
	}
	f.Hints.Add(x.Key, x.Pair)
}

// maxLed is how often one Fill goes on to where the origin leads.
const maxLed = 3

// Fill gets an object into the store, as a request that nobody waits for; at: its key,
// where the origin leads on to it, by an answer that is kept or not.
func (f *Fetcher) Fill(ctx context.Context, key string, pair wire.PairID, query cachekey.Query) (at string, err error) {
	for range maxLed {
		led, err := fillOnce(ctx, f, key, pair)
		if err != nil || led == "" {
			return key, err
		}
		f.manifests.Redirects.Note(rules.TargetOf(key), led)
		key = query.Apply(led)
	}
	return key, fmt.Errorf("%w: more than %d redirects", ErrOrigin, maxLed)
}

// fillOnce gets what there is of one key; led: that leads there.
func fillOnce(ctx context.Context, f *Fetcher, key string, pair wire.PairID) (led string, err error) {
	hand := &passThrough{interim: func(int, http.Header) {}}
	if !f.store.Has(key) {
		err = f.store.Fill(ctx, key, f.source(fetchRequest{key: key, pair: pair, hand: hand}))
	}
	if _, a := hand.take(); a != nil {
		led = leads(a.meta.Status, a.resp.Header)
		a.close()
	} else if view, ok := f.store.Peek(key); ok {
		m := view.Meta()
		view.Close()
		led = leads(m.Status, rules.HeaderOf(&m))
	}
	if led != "" {
		err = nil
	}
	return led, err
}

// leads is the target that an answer leads on to; "": it is at no place of ours.
func leads(status int, h http.Header) string {
	to, _, _ := strings.Cut(h.Get("Location"), "#")
	if !rules.Redirects(status) || !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") {
		return ""
	}
	key, _ := cachekey.Of(to)
	return key
}

// Renew sees to it that a manifest is here as the origin has it now, for a pair: one
// that is fresh is left as it is, unless it is asked for anew at any rate. When it returns
// without an error the whole of it is here.
func Renew(ctx context.Context, f *Fetcher, key string, pair wire.PairID, anyhow bool) error {
	if view, ok := f.store.Peek(key); ok {
		fresh := view.Fresh(f.now())
		view.Close()
		if fresh && !anyhow {
			return nil
		}
	}
	view, _, err := f.store.Refresh(ctx, key, f.source(fetchRequest{key: key, pair: pair}))
	if err != nil {
		return err
	}
	defer view.Close()
	_, _, err = view.Wait(ctx, math.MaxInt64) // whole: a fill that nobody reads ends
	return err
}
