package api

import (
	"time"

	"tandem/internal/wire"
)

// oddClock is by how much a clock is another one than this balancer's: reports that take
// their time are no clocks.
const oddClock = 10 * time.Second

// clocks: those that are not like the others. Where most differ it is this balancer's
// own.
func (v *judgement) clocks() {
	type skewed struct {
		name  string
		ahead time.Duration
	}
	var odd []skewed
	others := 0
	look := func(name string, heard bool, milliseconds int64) {
		if name == v.s.Node || !heard {
			return
		}
		others++
		if ahead := time.Duration(milliseconds) * time.Millisecond; ahead.Abs() > oddClock {
			odd = append(odd, skewed{name, ahead})
		}
	}
	for _, b := range v.s.Balancers {
		look(b.Name, b.Alive, b.Ahead)
	}
	for i := range v.s.Edges {
		e := &v.s.Edges[i]
		look(e.Name, reports(e), e.Ahead)
	}
	if len(odd) > 1 && 2*len(odd) > others {
		odd = []skewed{{v.s.Node, -odd[0].ahead}}
	}
	for _, o := range odd {
		way := "ahead"
		if o.ahead < 0 {
			way = "behind"
		}
		v.says(wire.Warn, "Set the clock of "+o.name+" (chrony, systemd-timesyncd): tokens and freshness go by it.", "the clock of %s is %s %s", o.name, o.ahead.Abs().Round(time.Second), way)
	}
}
