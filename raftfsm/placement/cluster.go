package placement

import (
	"fmt"
	"sort"
	"strings"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// purge appends to the purges that every edge carries out in order, also one
// that was away. Of the oldest only that they were is kept: an edge that missed
// more than are kept has to empty its store.
func purge(ch *change) error {
	given := ch.c.Purge
	if given == nil {
		return fmt.Errorf("%w: a purge needs a path from '/', or a tag", ErrMalformed)
	}
	if err := given.Check(); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	p := ch.edit()
	p.Purges = last(append(p.Purges, wire.Purge{Seq: ch.version, Prefix: given.Prefix, Exact: given.Exact, Tag: given.Tag}), keepPurges)
	ch.event(wire.Event{Text: fmt.Sprintf("Purge %d: %s%s.", ch.version, given.Names(), ch.by())})
	return nil
}

// upstreams puts a list of upstreams in place of the one that is there.
func upstreams(ch *change) error {
	given := ch.c.Upstreams
	if err := wire.CheckUpstreams(given); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if wire.SameUpstreams(given, ch.before.Upstreams) {
		return nil
	}
	ch.edit().Upstreams = given
	names := make([]string, 0, len(given))
	for i := range given {
		names = append(names, given[i].Prefix)
	}
	text := "No upstreams: edges go by their own settings"
	if len(names) > 0 {
		text = "Upstreams of " + strings.Join(names[:min(len(names), 10)], ", ")
	}
	ch.event(wire.Event{Kind: "upstreams", Text: text + ch.by() + "."})
	return nil
}

// balancer notes a balancer's addresses; the list is in the order of the names.
func balancer(ch *change) error {
	if err := CheckBalancer(ch.c.Balancer); err != nil {
		return err
	}
	given := *ch.c.Balancer
	have := ch.before.Balancers
	i := sort.Search(len(have), func(i int) bool { return have[i].Name >= given.Name })
	known := i < len(have) && have[i].Name == given.Name
	if known && have[i] == given {
		return nil
	}
	if !known && len(have) >= MaxBalancers {
		return fmt.Errorf("%w: the cluster has %d balancers already", ErrLimit, MaxBalancers)
	}
	next := append(make([]wire.Balancer, 0, len(have)+1), have[:i]...)
	next = append(next, given)
	if known {
		i++
	}
	ch.edit().Balancers = append(next, have[i:]...)
	ch.event(wire.Event{Text: fmt.Sprintf("Balancer %s is at %s.", given.Name, given.HTTP)})
	return nil
}

func balancerGone(ch *change) error {
	var next []wire.Balancer
	for _, b := range ch.before.Balancers {
		if b.Name != ch.c.Name {
			next = append(next, b)
		}
	}
	if len(next) == len(ch.before.Balancers) {
		return nil
	}
	ch.edit().Balancers = next
	ch.event(wire.Event{Text: fmt.Sprintf("Balancer %s is gone%s.", ch.c.Name, ch.by())})
	return nil
}

func configure(ch *change) error {
	to := ch.c.Admission
	if to != ring.FailSafeAdmission && to != ring.PairAdmission {
		return fmt.Errorf("%w: admission %q: want %q or %q", ErrMalformed, cut(to), ring.FailSafeAdmission, ring.PairAdmission)
	}
	if to == ch.before.Admission {
		return nil
	}
	ch.edit().Admission = to
	ch.event(wire.Event{Kind: "admission", Text: fmt.Sprintf("Admission is %s now%s.", to, ch.by())})
	return nil
}

// found gives the cluster its id, which it keeps for ever: by it edges know whether
// balancers that have forgotten them are others.
func found(ch *change) error {
	if err := CheckName("cluster", ch.c.Name); err != nil {
		return err
	}
	if ch.before.Cluster != "" {
		return nil
	}
	ch.edit().Cluster = ch.c.Name
	ch.event(wire.Event{Kind: "cluster", Text: fmt.Sprintf("This is cluster %s.", ch.c.Name)})
	return nil
}
