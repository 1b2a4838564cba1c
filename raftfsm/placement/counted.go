package placement

import (
	"fmt"
	"slices"
	"strings"

	"tandem/internal/wire"
)

// Bounds of what is counted: of one figure, and of the lives of balancers in a receipt.
const (
	maxCount = 1 << 50

	MaxShares = 4 * MaxBalancers // of balancers' lives, in a receipt
)

// balancerCounts is what a balancer has counted: in its former lives, and in the one of
// now.
type balancerCounts struct {
	Name   string     `json:"name"`
	Life   int64      `json:"life"`
	Now    wire.Tally `json:"now"`
	Former wire.Tally `json:"former"`
}

// tallies are what all balancers have counted. A value is never changed in place.
type tallies struct {
	Gone wire.Tally       `json:"gone"` // by balancers that were taken out long ago
	Rows []balancerCounts `json:"rows"` // in the order of their names
}

func (t *tallies) find(name string) (int, bool) {
	return slices.BinarySearchFunc(t.Rows, name, func(b balancerCounts, name string) int { return strings.Compare(b.Name, name) })
}

// sum is what all have counted.
func (t *tallies) sum() wire.Tally {
	sum := t.Gone
	for _, b := range t.Rows {
		sum = plus(plus(sum, b.Now), b.Former)
	}
	return sum
}

func plus(a, b wire.Tally) wire.Tally {
	return wire.Tally{Takeovers: min(a.Takeovers+b.Takeovers, maxCount), Refused: min(a.Refused+b.Refused, maxCount)}
}

// with is what it is once a balancer has told its counts of a life. An older life, and
// what is smaller than what was told before, changes nothing: sums never go back.
func (t tallies) with(name string, c *wire.Counts) tallies {
	i, known := t.find(name)
	rows := slices.Clone(t.Rows)
	if !known {
		rows = slices.Insert(rows, i, balancerCounts{Name: name, Life: c.Life})
	}
	b := &rows[i]
	switch {
	case c.Life < b.Life:
		return t
	case c.Life > b.Life:
		b.Former, b.Life, b.Now = plus(b.Former, b.Now), c.Life, wire.Tally{}
	}
	b.Now = wire.Tally{Takeovers: max(b.Now.Takeovers, c.Takeovers), Refused: max(b.Now.Refused, c.Refused)}
	return tallies{Gone: t.Gone, Rows: rows}
}

// room keeps the sum of a balancer that is gone, and not its row, where there are too
// many: one that was taken out by mistake, and comes back, goes on with its row.
func (t tallies) room(there []wire.Balancer) tallies {
	if len(t.Rows) < MaxBalancers {
		return t
	}
	i := slices.IndexFunc(t.Rows, func(b balancerCounts) bool { return !listed(there, b.Name) })
	if i < 0 {
		return t
	}
	b := t.Rows[i]
	return tallies{Gone: plus(plus(t.Gone, b.Now), b.Former), Rows: slices.Delete(slices.Clone(t.Rows), i, i+1)}
}

func listed(balancers []wire.Balancer, name string) bool {
	return slices.ContainsFunc(balancers, func(b wire.Balancer) bool { return b.Name == name })
}

// counted takes what a balancer has counted. It changes no placement and is no event.
func counted(ch *change) error {
	c := ch.c.Counts
	if c == nil || c.Life <= 0 || !countable(c.Takeovers, c.Refused) || len(c.Deaths) > keepDeaths {
		return fmt.Errorf("%w: counts that can't be", ErrMalformed)
	}
	for _, d := range c.Deaths {
		if !countable(d.Finished, d.Broken, d.LongestGap) {
			return fmt.Errorf("%w: counts of the death of %s that can't be", ErrMalformed, cut(d.Edge))
		}
	}
	if !listed(ch.before.Balancers, ch.c.Name) {
		return fmt.Errorf("%w: balancer %q", ErrUnknown, cut(ch.c.Name))
	}
	if _, known := ch.tallies.find(ch.c.Name); !known {
		ch.tallies = ch.tallies.room(ch.before.Balancers)
	}
	ch.tallies = ch.tallies.with(ch.c.Name, c)
	ch.share(ch.c.Name, c)
	return nil
}

func countable(figures ...int64) bool {
	return !slices.ContainsFunc(figures, func(n int64) bool { return n < 0 || n > maxCount })
}

// share enters a balancer's share into the receipts of the deaths that it tells of.
func (ch *change) share(by string, c *wire.Counts) {
	deaths := append(make([]wire.Receipt, 0, len(ch.deaths)), ch.deaths...)
	for i := range deaths {
		for _, d := range c.Deaths {
			if d.Edge == deaths[i].Edge && d.Incarnation == deaths[i].Incarnation {
				deaths[i] = shared(deaths[i], by, c.Life, d)
			}
		}
	}
	ch.deaths = deaths
}

// shared is a receipt with a balancer's share of now. What an older build's snapshot has
// dropped of the shares stays in the sums.
func shared(r wire.Receipt, by string, life int64, d wire.DeathCount) wire.Receipt {
	i := slices.IndexFunc(r.Shares, func(s wire.CountedBy) bool { return s.By == by && s.Life == life })
	if i < 0 {
		if len(r.Shares) >= MaxShares {
			return r
		}
		i = len(r.Shares)
		r.Shares = append(slices.Clip(r.Shares), wire.CountedBy{By: by, Life: life})
	} else {
		r.Shares = slices.Clone(r.Shares)
	}
	s := &r.Shares[i]
	s.Finished, s.Broken, s.LongestGap = max(s.Finished, d.Finished), max(s.Broken, d.Broken), max(s.LongestGap, d.LongestGap)
	finished, failed := int64(0), int64(0)
	for _, s := range r.Shares {
		finished, failed = finished+s.Finished, failed+s.Broken
		r.LongestGap = max(r.LongestGap, s.LongestGap)
	}
	r.Finished, r.Broken = max(r.Finished, finished), max(r.Broken, failed)
	return r
}
