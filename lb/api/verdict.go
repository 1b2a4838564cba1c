package api

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tandem/internal/wire"
	"tandem/lb/control"
	"tandem/raftfsm"
)

// reports tells whether an edge's load and clock are known.
func reports(e *wire.EdgeStatus) bool {
	return e.ReportAge >= 0 && e.ReportAge <= oldReport.Milliseconds()
}

// oldReport is the age of an edge's report from which on its load is not known.
const oldReport = 3 * time.Second

// verdict says what an operator has to know first. It is computed here alone, of what
// the status says, for the page, the API, `tandem status` and the metrics; what is
// not known it says not to know.
func verdict(s *wire.Status) wire.Verdict {
	old := slices.ContainsFunc(s.Balancers, func(b wire.BalancerInfo) bool { return b.Name == s.Node && b.Stale })
	if len(s.Edges) == 0 && !old { // else they may have come since
		return wire.Verdict{Level: wire.Warn, Text: "No edge has registered yet", Survives: wire.Unknown, Next: "Start one: tandem edge --balancers URL."}
	}
	v := judgement{s: s}
	v.edges()
	v.full()
	v.disks()
	v.origins()
	v.balancers()
	v.clocks()
	v.troubles()
	v.builds()
	v.roll()
	v.next = v.step()
	survives, more := v.nextFailure()
	text := v.text()
	if text == "" {
		text = v.counts() + ", nobody waits for an edge"
	} else {
		more = v.counts() + ". " + more
	}
	if survives != wire.Yes && v.level == wire.Good {
		v.level = wire.Warn
	}
	if strings.HasPrefix(text, "the ") || strings.HasPrefix(text, "not ") || strings.HasPrefix(text, "no ") { // names keep their letters
		text = strings.ToUpper(text[:1]) + text[1:]
	}
	return wire.Verdict{Level: v.level, Text: text, More: more, Next: v.next, Survives: survives}
}

// part is one thing that is the matter, and what to do about it.
type part struct {
	level      wire.Level
	text, next string
}

// text is what is worst, of that in the order in which it was found.
func (v *judgement) text() string {
	slices.SortStableFunc(v.parts, func(a, b part) int { return int(b.level) - int(a.level) })
	var texts []string
	for _, p := range v.parts {
		texts = append(texts, p.text)
	}
	if len(texts) > 3 {
		texts = append(texts[:3], fmt.Sprintf("%d more", len(texts)-3))
	}
	return strings.Join(texts, "; ")
}

// step is the first that was named for what is worst.
func (v *judgement) step() string {
	for level := wire.Bad; level >= wire.Good; level-- {
		for _, p := range v.parts {
			if p.level == level && p.next != "" {
				return p.next
			}
		}
	}
	return ""
}

// Verdict is what the page and `tandem status` begin with.
func (a *API) Verdict() wire.Verdict { return a.status().Verdict }

// judgement is a verdict in the making.
type judgement struct {
	s     *wire.Status
	parts []part
	level wire.Level
	next  string // the next step
}

// says adds a part; how bad all is is how bad the worst part is.
func (v *judgement) says(level wire.Level, next, format string, args ...any) {
	v.parts = append(v.parts, part{level, fmt.Sprintf(format, args...), next})
	v.level = max(v.level, level)
}

func (v *judgement) counts() string {
	up := 0
	for _, e := range v.s.Edges {
		if e.State == wire.EdgeUp {
			up++
		}
	}
	return count(up, "edge") + " up, " + count(v.s.Sessions, "session")
}

// disks: edges that keep nothing of what comes. What they hold they serve, the rest
// they ask for anew for each viewer.
func (v *judgement) disks() {
	for i := range v.s.Edges {
		e := &v.s.Edges[i]
		if reports(e) && e.Unwritable != "" {
			v.says(wire.Warn, raftfsm.DiskMend(e.Name, e.Unwritable, "stores again"), "%s can't store: %s", e.Name, e.Unwritable)
		}
	}
}

// origins: those that are down for some edges, or all. What edges hold they serve.
func (v *judgement) origins() {
	var order []string
	asking, unanswered := 0, map[string][]string{}
	for i := range v.s.Edges {
		e := &v.s.Edges[i]
		if e.State == wire.EdgeDown || !reports(e) {
			continue
		}
		asking++
		for _, origin := range e.OriginsOut {
			if unanswered[origin] == nil {
				order = append(order, origin)
			}
			unanswered[origin] = append(unanswered[origin], e.Name)
		}
	}
	for _, origin := range order {
		edges := unanswered[origin]
		next := "Look at it, and at the network between it and " + enumerate(edges) + "." // the others may not have asked
		if len(edges) == asking {
			next = "Start the origin, or name another one: tandem upstreams set FILE."
		}
		what := "the origin " + origin + " is down"
		if strings.Contains(origin, ", ") {
			what = "the origins " + origin + " are down"
		}
		v.says(wire.Bad, next, "%s for %s: what is not stored can't be served", what, enumerate(edges))
	}
}

// farBehind is how many changes a balancer may lack without a word.
const farBehind = 100

// balancers: those that are gone, and those that say of themselves that something is
// wrong.
func (v *judgement) balancers() {
	var gone []string
	for _, b := range v.s.Balancers {
		if !b.Alive && b.Name != v.s.Node && b.Refused == "" {
			gone = append(gone, b.Name)
		}
	}
	if len(gone) == 1 {
		v.says(wire.Warn, "Start "+gone[0]+" again, also where it hangs; where it runs, its /readyz says why it is not heard; if its machine is gone: tandem cluster remove-balancer "+gone[0]+".", "%s is gone", gone[0])
	} else if len(gone) > 1 {
		v.says(wire.Warn, "Start them again, also where they hang; a machine that is gone: tandem cluster remove-balancer NAME.", "%s are gone", enumerate(gone))
	}
	for _, b := range v.s.Balancers {
		switch {
		case !b.Alive && b.Name != v.s.Node && b.Refused != "":
			v.says(wire.Warn, b.Next, "%s and the others don't hear each other: %s", b.Name, b.Refused)
		case b.Problem == control.NoEdgeUp: // said of the edges
		case b.Problem != "":
			v.says(wire.Warn, b.Next, "%s: %s", b.Name, b.Problem)
		case b.Behind > farBehind:
			v.says(wire.Warn, "Look at the disk and the network of "+b.Name+": it catches up by itself when they let it.", "%s is %d changes behind", b.Name, b.Behind)
		}
	}
}

// roll: a change of the authority that somebody began, and has to end.
func (v *judgement) roll() {
	if now := v.s.RollOver; now != "" {
		next := nextOfRoll(now)
		v.says(wire.Warn, strings.ToUpper(next[:1])+next[1:], "the authority is being changed")
	}
}

// regain is how the balancers come to a majority again.
func (v *judgement) regain() string {
	gone, empty := 0, 0
	for _, b := range v.s.Balancers {
		switch {
		case !b.Alive && b.Name != v.s.Node:
			gone++
		case b.Problem != "" && b.Version == 0:
			empty++
		}
	}
	switch all := len(v.s.Balancers); {
	case empty > 0 && 2*(all-empty) <= all:
		return "tandem cluster recover: too few have the placement on their disks, whoever is started. One goes on alone with it, and lets the others in."
	case gone == 0:
		return "If it stays so, look at the network between the balancers, at the addresses of --raft-listen."
	}
	return "Start the balancers that are gone. If most are lost for good: tandem cluster recover."
}

// nextFailure is what the next death would cost, as far as that is known.
func (v *judgement) nextFailure() (wire.Survival, string) {
	s := v.s
	for _, b := range s.Balancers {
		if b.Name == s.Node && b.Stale {
			return wire.Unknown, "What the next failure would cost is not known: what " + b.Name + " shows is old. Ask another balancer."
		}
	}
	if !s.Majority {
		if v.level == wire.Good {
			v.level = wire.Warn
		}
		v.next = v.regain()
		return wire.Unknown, "No majority of the balancers: sessions go on, the placement can't change. What the next failure would cost is not known."
	}
	alive, short := 0, ""
	for i := range s.Edges {
		e := &s.Edges[i]
		if e.State != wire.EdgeUp && e.State != wire.EdgeDraining {
			continue
		}
		alive++
		if !reports(e) {
			return wire.Unknown, "What the next failure would cost is not known: " + e.Name + " has not told its load for a while."
		}
		if e.Margin < 0 && short == "" {
			short = e.Name
		}
	}
	switch {
	case v.none():
		return wire.No, "No edge serves." + v.zone()
	case alive < 2:
		return wire.No, "The next failure is not survived: no second edge is there." + v.zone()
	case short != "":
		if v.next == "" {
			v.next = "Add an edge, or let fewer viewers in."
		}
		return wire.No, "The next failure is not survived: " + short + " would be asked for more than it can deliver." + v.zone()
	}
	if only := v.onlyBalancer(); only != "" {
		v.level = max(v.level, wire.Warn)
		if v.next == "" {
			v.next = "Start more: tandem lb --join URL."
		}
		return wire.Yes, "The next death of an edge is survived, that of " + only + ", is not." + v.zone()
	}
	return wire.Yes, "The next failure is survived." + v.spare() + v.zone()
}

// onlyBalancer names a balancer beside which no other one lives: there is none, or those
// that there were are gone and it goes on alone, since a recovery.
func (v *judgement) onlyBalancer() string {
	only, alive := "", 0
	for _, b := range v.s.Balancers {
		if b.Alive || b.Name == v.s.Node {
			only = b.Name
			alive++
		}
	}
	switch {
	case alive != 1:
		return ""
	case len(v.s.Balancers) == 1:
		return only + ", the only balancer"
	}
	return only + ", the only balancer that is left"
}

// spare says when the balancers can lose none any more.
func (v *judgement) spare() string {
	voters, alive := 0, 0
	for _, b := range v.s.Balancers {
		if b.Voter {
			voters++
			if b.Alive || b.Name == v.s.Node {
				alive++
			}
		}
	}
	if voters > 1 && alive == voters/2+1 {
		return " With one more balancer lost the placement can't change."
	}
	return ""
}

// zone says what the loss of a zone would cost, or that neighbours are in one.
func (v *judgement) zone() string {
	for _, z := range v.s.Zones {
		if z.Lost > 0 {
			return fmt.Sprintf(" The loss of %s (%s) would cost %s.", z.Zone, enumerate(z.Edges), count(z.Lost, "session"))
		}
	}
	for i := range v.s.Pairs {
		if p := &v.s.Pairs[i]; p.SameZone {
			return fmt.Sprintf(" %s and %s are neighbours in one zone: were it lost, what they store would have to come from the origin.", p.Low, p.High)
		}
	}
	return ""
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// enumerate is "a", "a and b", "a, b and c".
func enumerate(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}
