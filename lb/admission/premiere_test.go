package admission

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"tandem/internal/call"
	"tandem/internal/ring"
	"tandem/internal/ring/ringtest"
	"tandem/internal/wire"
	"tandem/lb/loads"
	"tandem/lb/proposals"
	"tandem/raftfsm/placement"
)

// premiere is a cluster to which a crowd comes: balancers that open sessions as in life,
// edges with tables, and Raft's state. Calls, reports, notices and placements take their
// time, all of it virtual and drawn from a seed; some are late, as on a busy machine.
type premiere struct {
	mu    sync.Mutex // guards all that is below, of balancers and edges too; never held over a wait
	rand  *rand.Rand
	state *placement.State
	index uint64
	edges []*teller
	desks []*desk
	seats map[wire.SessionID]bool // the sessions that there are
	ended chan struct{}

	late   float64       // the share of calls that take long
	lateBy time.Duration // how long, at most
	fails  int           // so many proposals find no majority, though some are committed; below 0: all, and none is

	slow  int // every so-manieth slot that an edge gives is on its way for longer than that is waited for; 0: none
	given int

	unready bool          // edges do not get ready what they are told that they get
	held    time.Duration // for which an opening has waited for that at most

	moves int // boundaries that were proposed
	quiet int // those of them of which no edge was told before
	back  int // slots that were given back
	out   int // viewers that lost their slot to another one while a boundary moved, and found no other
}

// desk is a balancer of it.
type desk struct {
	*premiere
	opener    *Opener
	placement *wire.Placement
	turn      chan struct{}       // of those who would refresh
	foretold  map[wire.PairID]int // boundaries by which edges were told last that they get sessions
	refreshed time.Time
}

func newPremiere(seed uint64, balancers int, rules ring.Rules, capacities ...int) *premiere {
	c := &premiere{rand: rand.New(rand.NewPCG(seed, 1)), state: placement.NewState(), ended: make(chan struct{}), seats: map[wire.SessionID]bool{}}
	for i, capacity := range capacities {
		e := wire.Edge{Name: fmt.Sprintf("e%d", i+1), HTTP: "http://e", Capacity: capacity, Incarnation: 1}
		c.apply(placement.Command{Kind: placement.EdgeUp, Edge: &e})
		c.edges = append(c.edges, &teller{premiere: c, name: e.Name, tables: map[wire.PairID]*ring.Table{}, news: map[wire.PairID][]time.Time{}})
	}
	for _, e := range c.edges {
		e.placement = c.state.Placement()
	}
	for range balancers {
		d := &desk{premiere: c, placement: c.state.Placement(), turn: make(chan struct{}, 1), foretold: map[wire.PairID]int{}}
		d.opener = &Opener{cluster: d, loads: loads.New(), source: StatePush, rules: rules, now: time.Now}
		d.opener.loads.Follow(d.placement, time.Now())
		c.desks = append(c.desks, d)
	}
	c.run()
	time.Sleep(400 * time.Millisecond) // the first reports
	return c
}

func (c *premiere) apply(command placement.Command) placement.Result {
	log, _ := command.Encode()
	c.index++
	return c.state.Apply(c.index, log)
}

func (c *premiere) locked(do func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	do()
}

// ails makes a share of the calls late, by so much at most, and proposals fail.
func (c *premiere) ails(late float64, by time.Duration, fails int) {
	c.locked(func() { c.late, c.lateBy, c.fails = late, by, fails })
}

// delay is how long a message is on its way.
func (c *premiere) delay() (d time.Duration) {
	c.locked(func() {
		d = time.Duration(200+c.rand.IntN(3000)) * time.Microsecond
		if c.rand.Float64() < c.late {
			d += time.Duration(c.rand.Int64N(int64(c.lateBy)))
		}
	})
	return d
}

// travel waits for a message to arrive; false: nobody waits for it any more.
func (c *premiere) travel(ctx context.Context) bool {
	select {
	case <-time.After(c.delay()):
		return true
	case <-ctx.Done():
		return false
	case <-c.ended:
		return false
	}
}

func (d *desk) Placement() *wire.Placement {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.placement
}

func (d *desk) Failed(string, string) {}

// Refresh is as control's.
func (d *desk) Refresh(ctx context.Context, p *wire.Placement, after time.Time) {
	select {
	case d.turn <- struct{}{}:
	case <-ctx.Done():
		return
	}
	defer func() { <-d.turn }()
	if wait := 100*time.Millisecond - time.Since(d.refreshed); wait > 0 {
		if d.refreshed.After(after) {
			return
		}
		time.Sleep(wait)
	}
	d.refreshed = time.Now()
	d.Query(ctx, p, nil)
}

func (d *desk) Query(ctx context.Context, p *wire.Placement, names []string) {
	ctx, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	var under sync.WaitGroup
	for _, e := range d.edges {
		if names != nil && !slices.Contains(names, e.name) {
			continue
		}
		under.Go(func() {
			if !d.travel(ctx) {
				return
			}
			e.await(ctx, p.Version, 200*time.Millisecond)
			if r := e.report(); d.travel(ctx) {
				d.opener.loads.Take(r, time.Now())
			}
		})
	}
	under.Wait()
}

// Foretell takes its time, as the others do.
func (d *desk) Foretell(ctx context.Context, before, after *wire.Placement, loads []ring.Load) {
	if begun := time.Now(); len(ring.Given(before, after, loads)) > 0 {
		takes := min(2*d.delay(), 500*time.Millisecond)
		d.locked(func() {
			if d.unready {
				takes = time.Minute
			}
		})
		select {
		case <-ctx.Done():
		case <-time.After(takes):
		}
		d.locked(func() { d.held = max(d.held, time.Since(begun)) })
	}
	d.locked(func() {
		for _, l := range loads {
			q, _ := after.Pair(l.Pair)
			d.foretold[l.Pair] = q.Boundary
		}
	})
}

// Propose goes to the leader and back; the placement is here when it returns.
func (d *desk) Propose(ctx context.Context, command placement.Command) (result placement.Result, err error) {
	time.Sleep(d.delay() + 10*time.Millisecond)
	fails, committed := false, true
	d.locked(func() {
		if d.fails != 0 {
			fails, committed = true, d.fails > 0 && d.rand.IntN(2) == 0
			d.fails = max(d.fails-1, min(d.fails, 0))
		}
		if command.Kind == placement.MoveBoundary {
			d.moves++
			if d.foretold[command.Pair] != command.Boundary {
				d.quiet++
			}
		}
		if command.Kind == placement.Place && len(d.state.Placement().Stream(command.Stream)) != command.Before {
			result, err = placement.Result{}, placement.ErrStale
			return
		}
		if committed {
			result = d.apply(command)
			err = result.Failed()
			d.publish(d.state.Placement())
		}
	})
	if fails {
		<-ctx.Done()
		return placement.Result{}, fmt.Errorf("%w: %w", proposals.ErrNoQuorum, ctx.Err())
	}
	time.Sleep(d.delay())
	d.locked(func() { d.follow(d.state.Placement()) })
	return result, err
}

func (d *desk) follow(p *wire.Placement) {
	if p.Version > d.placement.Version {
		d.placement = p
		d.opener.loads.Follow(p, time.Now())
	}
}

// publish sends a placement to all.
func (c *premiere) publish(p *wire.Placement) {
	for _, d := range c.desks {
		go func() {
			if c.travel(context.Background()) {
				c.locked(func() { d.follow(p) })
			}
		}()
	}
	for _, e := range c.edges {
		go func() {
			if c.travel(context.Background()) {
				c.locked(func() {
					if p.Version > e.placement.Version {
						e.placement = p
					}
				})
			}
		}()
	}
}

func (d *desk) Ask(ctx context.Context, to wire.Edge, r wire.OpenRequest) (answer wire.OpenAnswer, err error) {
	e := d.edges[slices.IndexFunc(d.edges, func(e *teller) bool { return e.name == to.Name })]
	if !d.travel(ctx) {
		return answer, ctx.Err()
	}
	e.await(ctx, r.Version, 500*time.Millisecond)
	answer, reason := e.open(r)
	slow := false
	d.locked(func() {
		if reason == "" {
			d.given++
			slow = d.slow > 0 && d.given%d.slow == 0
		}
	})
	if slow {
		time.Sleep(askLimit + time.Second)
	}
	if !d.travel(ctx) {
		return answer, ctx.Err()
	}
	if reason != "" {
		return answer, refusedBy(reason, answer.EdgeCount)
	}
	return answer, nil
}

// GiveBack ends a session.
func (d *desk) GiveBack(to wire.Edge, id wire.SessionID) {
	d.travel(context.Background())
	d.locked(func() {
		d.back++
		d.rise(id)
	})
}

// rise frees a seat at its owner; the others hear of it with the next notice.
func (c *premiere) rise(id wire.SessionID) {
	delete(c.seats, id)
	for _, e := range c.edges {
		if q, ok := e.placement.Pair(id.Pair); ok && ring.Owner(e.placement, q, id.Slot) == e.name {
			e.table(q).Free(id.Slot)
		}
	}
}

// run lets the edges report and give notice until it ends.
func (c *premiere) run() {
	for i, e := range c.edges {
		every := func(interval, first time.Duration, do func()) {
			go func() {
				for wait := first; ; wait = interval {
					select {
					case <-time.After(wait):
						do()
					case <-c.ended:
						return
					}
				}
			}()
		}
		every(200*time.Millisecond, time.Duration(47*i)*time.Millisecond, e.notice)
		every(250*time.Millisecond, time.Duration(59*i)*time.Millisecond, func() {
			r := e.report()
			for _, d := range c.desks {
				go func() {
					if c.travel(context.Background()) {
						d.opener.loads.Take(r, time.Now())
					}
				}()
			}
		})
	}
}

// total counts the sessions that there truly are.
func (c *premiere) total() (n int) {
	c.locked(func() { n = len(c.seats) })
	return n
}

// places is how many sessions fit in all.
func (c *premiere) places() int {
	p := c.state.Placement()
	return ringtest.Places(p, ring.LimitsOf(p))
}

// shows is what each edge delivers and each pair has, truly.
func (c *premiere) shows() (text string) {
	c.locked(func() {
		p := c.state.Placement()
		delivers, sums := map[string]int{}, map[wire.PairID]int{}
		for id := range c.seats {
			q, _ := p.Pair(id.Pair)
			delivers[ring.Owner(p, q, id.Slot)]++
			sums[id.Pair]++
		}
		text = fmt.Sprint(delivers, " of ", ring.LimitsOf(p), ", pairs ", sums)
		for i := range p.Pairs {
			text += fmt.Sprint(" ", ring.PairLimit(p, &p.Pairs[i]), "(", p.Pairs[i].Boundary, ")")
		}
	})
	return text
}

// crowd lets so many viewers come, one in apart, at each balancer in turn, and tells with
// what reasons they were refused.
func (c *premiere) crowd(viewers, streams int, apart time.Duration) map[string]int {
	refused := map[string]int{}
	var under sync.WaitGroup
	for i := range viewers {
		under.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), Limit)
			defer cancel()
			_, reason := c.desks[i%len(c.desks)].opener.Open(ctx, fmt.Sprintf("/s%d/", i*i%streams), "192.0.2.1", false)
			if reason != "" {
				c.locked(func() { refused[reason]++ })
			}
		})
		time.Sleep(apart)
	}
	under.Wait()
	return refused
}

// end ends it when nothing is on its way any more.
func (c *premiere) end() {
	close(c.ended)
	time.Sleep(time.Minute)
}

// place places a stream, and lets all know.
func (c *premiere) place(stream string, pair wire.PairID) {
	c.locked(func() {
		c.apply(placement.Command{Kind: placement.Place, Stream: stream, Pair: pair})
		c.publish(c.state.Placement())
	})
	time.Sleep(time.Second)
}

// refusedBy is an edge's answer to an opening that it refuses.
func refusedBy(reason string, count wire.EdgeCount) error {
	body, _ := json.Marshal(wire.Refusal{Reason: reason, EdgeCount: count})
	return &call.StatusError{Status: http.StatusConflict, Body: body}
}
