package control

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"tandem/internal/call"
	"tandem/internal/wire"
	"tandem/raftfsm"
	"tandem/raftfsm/placement"
)

// A balancer with an empty disk does not know whether it is the beginning of a
// cluster or the loss of a disk. It asks the first balancers: when all of them are
// as empty as it is, they begin a cluster together; when one of them knows of one,
// that one's leader takes it in, without a vote at first.

// How often it asks, and how often it says what it waits for.
const (
	foundEvery = 200 * time.Millisecond
	foundTell  = 5 * time.Second
)

// founding is how a balancer with an empty disk gets into its cluster.
type founding struct {
	c    *Control
	told time.Time // when it said last what it waits for
}

// run lets this balancer in, unless it has a disk with something on it.
func (f *founding) run(ctx context.Context) error {
	tick := time.NewTicker(foundEvery)
	defer tick.Stop()
	for f.c.node.Fresh() {
		f.look(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
	<-ctx.Done()
	return nil
}

// look asks everybody once and does what follows from it.
func (f *founding) look(ctx context.Context) {
	answers, missing := f.ask(ctx)
	order := slices.Sorted(maps.Keys(answers))
	slices.SortStableFunc(order, func(a, b string) int { return cmp.Compare(answers[b].Era, answers[a].Era) }) // of the last recovery, where there was one
	for _, at := range order {
		if pong := answers[at]; pong.Cluster != "" || pong.Version > 0 {
			if err := f.c.node.Enter(pong.Era); err != nil {
				f.tell(err.Error(), "look at the disk of --data")
				return
			}
			if f.c.join(ctx, at, true) {
				f.c.node.Learn()
			} else {
				wait(ctx, tellApart)
			}
			return
		}
	}
	switch {
	case f.c.cfg.Join == "" && len(f.c.cfg.First) == 0:
		f.tell("what it had is of before a recovery, and was put aside: nobody is named who lets it in again", "give it --join")
	case f.c.cfg.Join != "": // it begins no cluster
		f.tell("the cluster to join does not answer: "+strings.Join(missing, ", "), "see --join")
	case len(missing) > 0:
		f.tell("a new cluster begins when all its first balancers are there: waiting for "+strings.Join(missing, ", "), "one that won't come has to leave --peers, on all of them")
	default:
		if err := f.c.node.Found(f.c.cfg.First); err != nil {
			f.tell(err.Error(), "see --peers")
			return
		}
		f.c.deps.Logger.Info().Int("voters", len(f.c.cfg.First)).Msg("the first balancers begin a new cluster: none of them has anything on its disk")
	}
}

// ask asks the others of the first list, and whoever is to be joined, what they are.
func (f *founding) ask(ctx context.Context) (answers map[string]wire.Pong, missing []string) {
	at := map[string]string{} // base URL: name
	for _, b := range f.c.cfg.First {
		if b.Name != f.c.cfg.Name {
			at[b.HTTP] = b.Name
		}
	}
	if f.c.cfg.Join != "" {
		at[f.c.cfg.Join] = f.c.cfg.Join
	}
	ctx, cancel := context.WithTimeout(ctx, aliveLimit)
	defer cancel()
	var under sync.WaitGroup
	var mu sync.Mutex
	answers = map[string]wire.Pong{}
	for url, name := range at {
		under.Go(func() {
			var pong wire.Pong
			err := f.c.deps.Call.Ask(ctx, http.MethodGet, url+wire.PathPing, nil, &pong)
			mu.Lock()
			defer mu.Unlock()
			if err == nil && pong.Name == f.c.cfg.Name && pong.Fresh {
				missing = append(missing, name+" (this balancer itself: name another one)")
				return
			}
			if err != nil || pong.Role != "lb" {
				missing = append(missing, fmt.Sprintf("%s (%s)", name, why(err)))
				return
			}
			answers[url] = pong
		})
	}
	under.Wait()
	slices.Sort(missing)
	return answers, missing
}

func why(err error) string {
	switch {
	case err == nil:
		return "no balancer answers there"
	case call.StatusOf(err) == http.StatusForbidden:
		return "it has another secret"
	case call.StatusOf(err) == http.StatusNotFound, call.StatusOf(err) == http.StatusMethodNotAllowed:
		return "no balancer answers there; operators' listener is another port than nodes'"
	default:
		return inShort(err).Error()
	}
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// tell says now and then what this balancer waits for.
func (f *founding) tell(what, hint string) {
	if now := f.c.deps.Now(); now.Sub(f.told) >= foundTell {
		f.told = now
		f.c.deps.Logger.Warn().Str("why", what).Str("hint", hint).Msg("the cluster can't begin or be joined yet; waiting")
	}
}

// nameCluster draws the cluster's id, where this balancer leads one without.
func (t *tasks) nameCluster(ctx context.Context) {
	if t.c.node.Placement().Cluster == "" {
		t.task(ctx, placement.Command{Kind: placement.Found, Name: raftfsm.NewID()})
	}
}

// promote gives those a vote who have proved themselves.
func (t *tasks) promote(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, orderLimit)
	defer cancel()
	names, err := t.c.node.Promote(ctx)
	for _, name := range names {
		t.c.deps.Logger.Info().Str("balancer", name).Msg("it holds what is committed: it votes from now on")
	}
	if err != nil && ctx.Err() == nil {
		t.c.deps.Logger.Warn().Err(err).Msg("a balancer could not be given a vote; trying again")
	}
}
