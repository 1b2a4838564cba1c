package renewal

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

const (
	// Every is how long an MPD is not asked for again.
	Every = time.Second

	most    = 4096 // that wait
	atOnce  = 16
	mostMPD = 10_000 // that are remembered
)

// wanted is an MPD, and what is to be done when it is here.
type wanted struct {
	manifest string
	get      func(ctx context.Context)
	then     func()
}

// Renewals are the MPDs that are wanted anew.
type Renewals struct {
	now    func() time.Time
	wanted chan wanted
	flight singleflight.Group

	mu   sync.Mutex
	last map[string]time.Time // guarded by mu
}

// New makes an empty one; it starts nothing.
func New(now func() time.Time) *Renewals {
	return &Renewals{now: now, wanted: make(chan wanted, most), last: map[string]time.Time{}}
}

// Want has an MPD got anew, where that is due, and then something done.
func (r *Renewals) Want(manifest string, get func(ctx context.Context), then func()) {
	select {
	case r.wanted <- wanted{manifest, get, then}:
	default:
	}
}

// Run gets what is wanted until ctx ends.
func (r *Renewals) Run(ctx context.Context) error {
	var under sync.WaitGroup
	defer under.Wait()
	few := make(chan struct{}, atOnce)
	for {
		select {
		case <-ctx.Done():
			return nil
		case w := <-r.wanted:
			few <- struct{}{}
			under.Go(func() {
				defer func() { <-few }()
				_, _, _ = r.flight.Do(w.manifest, func() (any, error) {
					if r.due(w.manifest) {
						w.get(ctx)
					}
					return nil, nil
				})
				w.then()
			})
		}
	}
}

// due tells whether an MPD may be asked for again, which is done then.
func (r *Renewals) due(manifest string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	if at, ok := r.last[manifest]; ok && now.Sub(at) < Every {
		return false
	}
	if len(r.last) >= mostMPD {
		clear(r.last)
	}
	r.last[manifest] = now
	return true
}
