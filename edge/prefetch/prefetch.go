package prefetch

import (
	"container/heap"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"tandem/internal/media"
	"tandem/internal/wire"
)

// Limits of prefetching.
const (
	Ahead      = 2                      // segments of each track
	workers    = 8                      // at once
	again      = 100 * time.Millisecond // how often it is looked whether a segment is listed by now
	renewEvery = 500 * time.Millisecond // how often a manifest is asked for anew, for that
	lookFor    = 30 * time.Second       // so long it is looked, behind a deadline
	foreseeFor = time.Second            // so long it is for what may be taken over soon, whose manifest is not here
	Valid      = 10 * time.Second       // what was read into memory longer ago is read again
)

// Wanted is an object, or a part of one.
type Wanted struct {
	Target string
	Part   media.ByteRange
}

// Inherited is a session that was taken over, as it was at that moment.
type Inherited struct {
	wire.SessionID
	Tracks   []wire.Track
	Foreseen int64 // unix milliseconds; when it was thought that it may be soon; 0: it was
}

// Deps is what a Prefetcher stands on.
type Deps struct {
	Logger zerolog.Logger
	Now    func() time.Time
	// Ahead are the objects behind a position, as its manifest says now, with their keys.
	// More: it may say more later.
	Ahead func(t *wire.Track, n int) (objects []media.Object, more bool)
	// Renew gets a manifest that is not here, or not fresh; anyhow: fresh or not.
	Renew func(ctx context.Context, manifest string, pair wire.PairID, anyhow bool)
	// Load makes an object ready in memory.
	Load func(ctx context.Context, what Wanted, pair wire.PairID) error
	// Expect tells a session what its first request in a track is expected to be. False:
	// it has asked already, has gone, or was not taken over yet.
	Expect func(of *Inherited, kind wire.TrackKind, jobs []*Job) (wants bool)
}

// Prefetcher makes segments ready.
type Prefetcher struct {
	Deps
	loaded atomic.Int64

	mu      sync.Mutex
	jobs    map[Wanted]*Job      // guarded by mu, as all below
	queue   queue                // those that wait
	renewed map[string]time.Time // manifests, when they were asked for last
	wake    chan struct{}
	came    chan struct{} // a manifest that was asked for anew may be here
	later   chan []*follow

	follows []*follow // tracks of which not all is listed; owned by Run
}

// Job is one object that is to be ready.
type Job struct {
	What     Wanted
	manifest bool // it is one, to be asked for anew
	anyhow   bool // though it is fresh
	pair     wire.PairID
	deadline time.Time
	place    int           // in the queue, -1: not in it; guarded by the Prefetcher's mu
	state    atomic.Int32  // an Outcome: Late until it is done
	done     time.Time     // guarded by the Prefetcher's mu
	ended    chan struct{} // closed when it is done
}

// Outcome is what a request for it meets now.
func (j *Job) Outcome() Outcome { return Outcome(j.state.Load()) }

// follow is one track of an inherited session.
type follow struct {
	of    Inherited
	track wire.Track
	due   time.Time // when the last segment delivered has been played
}

// New makes one; it starts nothing.
func New(deps Deps) *Prefetcher {
	return &Prefetcher{Deps: deps, jobs: map[Wanted]*Job{}, renewed: map[string]time.Time{}, wake: make(chan struct{}, workers), came: make(chan struct{}, 1), later: make(chan []*follow, 16)}
}

// Ready tells whether an object was made ready, and not long ago.
func (p *Prefetcher) Ready(what Wanted) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	j := p.jobs[what]
	return j != nil && j.Outcome() == Ready && p.Now().Sub(j.done) <= Valid
}

// Loaded is how many objects were made ready.
func (p *Prefetcher) Loaded() int64 { return p.loaded.Load() }

// Run takes what is inherited until ctx ends.
func (p *Prefetcher) Run(ctx context.Context, takeovers <-chan []Inherited) error {
	var under sync.WaitGroup
	defer under.Wait()
	for range workers {
		under.Go(func() { p.work(ctx) })
	}
	tick := time.NewTicker(again)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case inherited := <-takeovers:
			p.follows = append(p.follows, followsOf(inherited)...)
		case later := <-p.later:
			p.follows = append(p.follows, later...)
		case <-p.came:
		case <-tick.C:
		}
		if len(p.follows) > 0 {
			p.foresee()
		}
		p.forget()
	}
}

// followsOf are the tracks of what was inherited.
func followsOf(inherited []Inherited) []*follow {
	var list []*follow
	for _, of := range inherited {
		for _, t := range of.Tracks {
			list = append(list, &follow{of, t, time.UnixMilli(t.At + t.Duration)})
		}
	}
	return list
}

// foresee looks what comes next in every track that is followed, and stops to follow
// those of which all is known that is to be ready.
func (p *Prefetcher) foresee() {
	now := p.Now()
	slices.SortStableFunc(p.follows, func(a, b *follow) int { return a.due.Compare(b.due) })
	p.follows = slices.DeleteFunc(p.follows, func(f *follow) bool {
		jobs, more, wants := p.follow(f, now)
		if f.of.Foreseen > 0 { // its manifest is on its way
			return len(jobs) > 0 || !more || now.UnixMilli()-f.of.Foreseen > foreseeFor.Milliseconds()
		}
		if len(jobs) == Ahead || !more || !wants || now.After(f.due.Add(lookFor)) {
			return true
		}
		p.renewSoon(f, now)
		return false
	})
}

// follow makes ready what is listed behind a track, and tells the session. More: there
// may be more later; wants: it has not asked yet.
func (p *Prefetcher) follow(f *follow, now time.Time) (jobs []*Job, more, wants bool) {
	objects, more := p.Ahead(&f.track, Ahead)
	jobs, deadline := make([]*Job, 0, Ahead), f.due
	for _, o := range objects {
		if o.Available.After(now) {
			more = true
			break
		}
		jobs = append(jobs, p.want(&Job{What: Wanted{o.Target, o.Range}, pair: f.of.Pair, deadline: deadline}))
		deadline = deadline.Add(o.Duration)
	}
	return jobs, more, p.Expect(&f.of, f.track.Kind, jobs)
}

// Await makes ready what comes next in the tracks of a session that was taken over,
// and returns when the next segment of each is, or could not be got, or ctx ends: a
// viewer who is given a manifest asks for what it lists at once.
func (p *Prefetcher) Await(ctx context.Context, of Inherited) {
	for _, f := range followsOf([]Inherited{of}) {
		jobs, _, _ := p.follow(f, p.Now())
		if len(jobs) == 0 {
			continue
		}
		select {
		case <-jobs[0].ended:
		case <-ctx.Done():
			return
		}
	}
}

// Foresee makes ready what comes next in sessions that may be taken over soon, as it is
// listed now, and returns when that is, or could not be got, or at the limit. At a mere sign, which
// nobody waits for (limit 0), manifests that are not here, as at an edge that is no member of a
// pair, are got first: who has died gives no newer ones. Where a living edge is about to give its
// sessions it does, and nobody publishes them here: a live playlist would go back.
func (p *Prefetcher) Foresee(ctx context.Context, of []Inherited, limit time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var all []*Job
	var unlisted []*follow
	for _, f := range followsOf(of) {
		jobs, more, _ := p.follow(f, p.Now())
		if all = append(all, jobs...); len(jobs) == 0 && more && limit == 0 {
			unlisted = append(unlisted, f)
			p.want(&Job{What: Wanted{Target: f.track.Manifest}, manifest: true, pair: f.of.Pair, deadline: f.due})
		}
	}
	if len(unlisted) > 0 {
		select {
		case p.later <- unlisted: // however long they take
		default: // so many signs at once: players will ask anyway
		}
	}
	for _, j := range all {
		select {
		case <-j.ended:
		case <-ctx.Done():
			return
		}
	}
}

// renewSoon has the manifest of a track asked for anew, now and then.
func (p *Prefetcher) renewSoon(f *follow, now time.Time) {
	p.mu.Lock()
	last := p.renewed[f.track.Manifest]
	recently := now.Sub(last) < renewEvery
	if !recently {
		p.renewed[f.track.Manifest] = now
	}
	p.mu.Unlock()
	if !recently {
		// Who has died may have known a newer one than is here, fresh or not.
		p.want(&Job{What: Wanted{Target: f.track.Manifest}, manifest: true, anyhow: last.IsZero(), pair: f.of.Pair, deadline: f.due})
	}
}

// want queues an object, once: the one of this that is wanted already, or this.
func (p *Prefetcher) want(n *Job) *Job {
	p.mu.Lock()
	defer p.mu.Unlock()
	j := p.jobs[n.What]
	switch {
	case j == nil || j.manifest != n.manifest || !j.done.IsZero() && (n.manifest || p.Now().Sub(j.done) > Valid || j.Outcome() == Failed):
		j = n
		j.ended = make(chan struct{})
		j.state.Store(int32(Late))
		p.jobs[n.What] = j
		heap.Push(&p.queue, j)
	case j.place >= 0 && n.deadline.Before(j.deadline):
		j.deadline = n.deadline
		heap.Fix(&p.queue, j.place)
		return j
	default:
		return j
	}
	select {
	case p.wake <- struct{}{}:
	default: // all workers know
	}
	return j
}

// next is the job with the earliest deadline, nil when none waits.
func (p *Prefetcher) next() *Job {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.queue) == 0 {
		return nil
	}
	return heap.Pop(&p.queue).(*Job)
}

// work does jobs until ctx ends.
func (p *Prefetcher) work(ctx context.Context) {
	for ctx.Err() == nil {
		j := p.next()
		if j == nil {
			select {
			case <-ctx.Done():
			case <-p.wake:
			}
			continue
		}
		if j.manifest {
			p.Renew(ctx, j.What.Target, j.pair, j.anyhow)
		} else if err := p.Load(ctx, j.What, j.pair); err == nil {
			p.loaded.Add(1)
			j.state.Store(int32(Ready))
		} else {
			p.Logger.Debug().Err(err).Str("key", j.What.Target).Msg("a segment of a session that was taken over is not ready")
			j.state.Store(int32(Failed))
		}
		p.mu.Lock()
		j.done = p.Now()
		p.mu.Unlock()
		close(j.ended)
		if j.manifest {
			select {
			case p.came <- struct{}{}:
			default: // it will be looked anyway
			}
		}
	}
}

// forget drops what nobody waits for any more.
func (p *Prefetcher) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.Now()
	for what, j := range p.jobs {
		if !j.done.IsZero() && now.Sub(j.done) > lookFor {
			delete(p.jobs, what)
		}
	}
	if len(p.jobs) == 0 {
		clear(p.renewed)
	}
}
