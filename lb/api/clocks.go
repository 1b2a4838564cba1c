package api

import (
	"time"

	"tandem/internal/wire"
	"tandem/lb/control"
)

// skewed is a node whose clock is not like the others.
type skewed struct {
	name  string
	ahead time.Duration
}

// String is like "1m0s ahead".
func (s skewed) String() string {
	way := "ahead"
	if s.ahead < 0 {
		way = "behind"
	}
	return s.ahead.Abs().Round(time.Second).String() + " " + way
}

// oddClocks are those that are not like the others. Where most differ it is the answering
// balancer's own.
func oddClocks(s *wire.Status) []skewed {
	var odd []skewed
	others := 0
	look := func(name string, heard bool, milliseconds int64) {
		if name == s.Node || !heard {
			return
		}
		others++
		if ahead := time.Duration(milliseconds) * time.Millisecond; ahead.Abs() > control.OddClock {
			odd = append(odd, skewed{name, ahead})
		}
	}
	for _, b := range s.Balancers {
		look(b.Name, b.Alive, b.Ahead)
	}
	for i := range s.Edges {
		e := &s.Edges[i]
		look(e.Name, reports(e), e.Ahead)
	}
	if len(odd) > 1 && 2*len(odd) > others {
		return []skewed{{s.Node, -odd[0].ahead}}
	}
	return odd
}

func (v *judgement) clocks() {
	for _, o := range oddClocks(v.s) {
		v.says(wire.Warn, "Set the clock of "+o.name+" (chrony, systemd-timesyncd): tokens and freshness go by it.", "the clock of %s is %s", o.name, o)
	}
}
