package api

import (
	"fmt"
	"strings"
	"time"

	"tandem/internal/wire"
	"tandem/lb/control"
)

// note says in a few words what is special about each edge, balancer and pair, for the
// tables of the page and of `tandem status`: what the verdict names is said there too.
func note(s *wire.Status) {
	clocks := map[string]string{}
	for _, o := range oddClocks(s) {
		clocks[o.name] = "its clock is " + o.String()
	}
	for i := range s.Edges {
		e := &s.Edges[i]
		e.Note = strings.Join(edgeNotes(e, clocks[e.Name]), "; ")
	}
	for i := range s.Balancers {
		b := &s.Balancers[i]
		b.Note = strings.Join(balancerNotes(b, clocks[b.Name]), "; ")
	}
	for i := range s.Pairs {
		s.Pairs[i].Note = pairNote(&s.Pairs[i])
	}
}

// edgeNotes: what only a report tells is not said of an edge that sends none.
func edgeNotes(e *wire.EdgeStatus, clock string) (notes []string) {
	if e.State == wire.EdgePending {
		notes = append(notes, "tandem accept "+e.Name)
	} else if e.Asks > 0 {
		notes = append(notes, fmt.Sprintf("states %d: tandem accept %s", e.Asks, e.Name))
	}
	if e.Assumed && e.State != wire.EdgeDown {
		notes = append(notes, fmt.Sprintf("states no capacity: %d is assumed", e.Capacity))
	}
	if e.Stopped {
		notes = append(notes, "stopped in order")
	}
	if e.State == wire.EdgeSilent {
		notes = append(notes, standingIn(e.StandIns))
	}
	if e.Refused != "" && !e.Stopped {
		notes = append(notes, "its calls are refused, for "+e.Refused)
	}
	if !reports(e) {
		if e.State == wire.EdgeUp || e.State == wire.EdgeDraining {
			notes = append(notes, "has not told its load"+since(e.ReportAge))
		}
		return notes
	}
	if r := e.Recovery; r != nil && r.Error != "" {
		notes = append(notes, "recovery: "+r.Error)
	}
	if e.FailSafe && e.State == wire.EdgeUp {
		notes = append(notes, "stands in for a neighbour")
	}
	if e.Unwritable != "" {
		notes = append(notes, "can't store: "+e.Unwritable)
	}
	if len(e.OriginsOut) > 0 && e.State != wire.EdgeDown {
		notes = append(notes, "no answer from "+enumerate(e.OriginsOut))
	}
	if clock != "" {
		notes = append(notes, clock)
	}
	return append(notes, texts(e.Troubles)...)
}

func balancerNotes(b *wire.BalancerInfo, clock string) (notes []string) {
	if !b.Alive {
		if b.Refused != "" {
			notes = append(notes, b.Refused)
		}
		return notes
	}
	if b.Problem != "" && b.Problem != control.NoEdgeUp { // which is the edges' to say
		notes = append(notes, b.Problem)
	}
	if b.Behind > farBehind {
		notes = append(notes, fmt.Sprintf("%d changes behind", b.Behind))
	}
	if clock != "" {
		notes = append(notes, clock)
	}
	return append(notes, texts(b.Troubles)...)
}

// pairNote is what is special about a pair, beyond where its boundary is.
func pairNote(p *wire.PairStatus) string {
	var notes []string
	if len(p.Adopted) > 0 {
		var by []string
		for _, a := range p.Adopted {
			by = append(by, a.Edge)
		}
		notes = append(notes, "adopted by "+enumerate(by))
	}
	if p.SameZone {
		notes = append(notes, "both in one zone")
	}
	return strings.Join(notes, "; ")
}

func texts(troubles []wire.Trouble) (out []string) {
	for _, t := range troubles {
		out = append(out, t.Text)
	}
	return out
}

// standingIn is "edge-2 stands in", "edge-2 and edge-4 stand in".
func standingIn(edges []string) string {
	switch len(edges) {
	case 0:
		return "nobody stands in"
	case 1:
		return edges[0] + " stands in"
	}
	return enumerate(edges) + " stand in"
}

// since is for how long, where that is known.
func since(milliseconds int64) string {
	if milliseconds < 0 {
		return ""
	}
	return " for " + (time.Duration(milliseconds) * time.Millisecond).Round(time.Second).String()
}
