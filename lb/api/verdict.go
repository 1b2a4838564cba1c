package api

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"tandem/internal/wire"
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
	if len(s.Edges) == 0 {
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
	survives, more := v.nextFailure()
	text := strings.Join(v.parts, "; ")
	if len(v.parts) > 3 {
		text = strings.Join(v.parts[:3], "; ") + fmt.Sprintf("; %d more", len(v.parts)-3)
	}
	if text == "" {
		text = v.counts() + ", nobody waits for an edge"
	} else {
		more = v.counts() + ". " + more
	}
	if survives != wire.Yes && v.level == wire.Good {
		v.level = wire.Warn
	}
	if strings.HasPrefix(text, "the ") || strings.HasPrefix(text, "not ") { // names keep their letters
		text = strings.ToUpper(text[:1]) + text[1:]
	}
	return wire.Verdict{Level: v.level, Text: text, More: more, Next: v.next, Survives: survives}
}

// Survives is what the verdict says of the next failure, as a number: 1 yes, 0 no, -1
// not known.
func (a *API) Survives() float64 {
	return map[wire.Survival]float64{wire.Yes: 1, wire.No: 0, wire.Unknown: -1}[a.status().Verdict.Survives]
}

// judgement is a verdict in the making.
type judgement struct {
	s     *wire.Status
	parts []string
	level wire.Level
	next  string // the first step that was named: what is worst is looked at first
}

// says adds a part; how bad all is is how bad the worst part is.
func (v *judgement) says(level wire.Level, next, format string, args ...any) {
	v.parts = append(v.parts, fmt.Sprintf(format, args...))
	v.level = max(v.level, level)
	if v.next == "" {
		v.next = next
	}
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

// edges: the dead ones first, then those that hang, those that come, those that wait.
func (v *judgement) edges() {
	s := v.s
	each := func(of func(e *wire.EdgeStatus) bool, do func(e *wire.EdgeStatus)) {
		for i := range s.Edges {
			if of(&s.Edges[i]) {
				do(&s.Edges[i])
			}
		}
	}
	is := func(states ...wire.EdgeState) func(e *wire.EdgeStatus) bool {
		return func(e *wire.EdgeStatus) bool {
			for _, state := range states {
				if e.State == state {
					return true
				}
			}
			return false
		}
	}
	each(is(wire.EdgeDown), func(e *wire.EdgeStatus) {
		if e.Stopped { // before what may be said in its name
			v.says(wire.Warn, "Start "+e.Name+" again, or tandem remove "+e.Name+".", "%s is stopped: %s", e.Name, v.viewersOf(e))
			return
		}
		if e.Refused != "" {
			v.says(wire.Bad, e.Next, "%s is down, and its calls are refused, for %s: %s", e.Name, e.Refused, v.viewersOf(e))
			return
		}
		v.says(wire.Bad, "Bring "+e.Name+" back: it copies what it lacks by itself. If it is gone for good: tandem remove "+e.Name+".", "%s is down: %s", e.Name, v.viewersOf(e))
	})
	each(is(wire.EdgeSilent), func(e *wire.EdgeStatus) {
		by := standingIn(e.StandIns)
		if e.Refused != "" {
			by += ", and its calls are refused, for " + e.Refused
		}
		v.says(wire.Bad, e.Next, "%s is silent, %s", e.Name, by)
	})
	each(func(e *wire.EdgeStatus) bool { return e.Delivering > e.Capacity }, func(e *wire.EdgeStatus) {
		v.says(wire.Bad, "Add an edge, or raise the capacity of "+e.Name+".", "%s is above its capacity", e.Name)
	})
	each(is(wire.EdgeRecovering), func(e *wire.EdgeStatus) {
		v.says(wire.Warn, "", "%s is back and copies: %s", e.Name, v.viewersOf(e))
	})
	each(is(wire.EdgeDraining), func(e *wire.EdgeStatus) {
		v.says(wire.Warn, "tandem resume "+e.Name+", when the work is done.", "%s is draining", e.Name)
	})
	each(is(wire.EdgeJoining, wire.EdgeLeaving), func(e *wire.EdgeStatus) { v.says(wire.Warn, "", "%s is %s", e.Name, e.State) })
	each(func(e *wire.EdgeStatus) bool { return e.State == wire.EdgePending || e.Asks > 0 }, func(e *wire.EdgeStatus) {
		v.says(wire.Warn, "tandem accept "+e.Name+".", "%s waits to be accepted", e.Name)
	})
}

// full: no edge may be given one session more.
func (v *judgement) full() {
	up := 0
	for i := range v.s.Edges {
		e := &v.s.Edges[i]
		if e.State != wire.EdgeUp {
			continue
		}
		if up++; e.Delivering < e.Limit {
			return
		}
	}
	if up > 0 {
		v.says(wire.Warn, "Add an edge, or raise the edges' capacity.", "the cluster is full: new viewers are refused")
	}
}

// disks: edges that keep nothing of what comes. What they hold they serve, the rest
// they ask for anew for each viewer.
func (v *judgement) disks() {
	for i := range v.s.Edges {
		e := &v.s.Edges[i]
		if reports(e) && e.Unwritable != "" {
			v.says(wire.Warn, "Make room on the disk of --data of "+e.Name+", or look at it: it stores again by itself when the disk lets it.", "%s can't store: %s", e.Name, e.Unwritable)
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
	for _, b := range v.s.Balancers {
		switch {
		case !b.Alive && b.Name != v.s.Node && b.Refused != "":
			v.says(wire.Warn, b.Next, "%s and the others don't hear each other: %s", b.Name, b.Refused)
		case !b.Alive && b.Name != v.s.Node:
			v.says(wire.Warn, "Start "+b.Name+" again; if its machine is gone: tandem cluster remove-balancer "+b.Name+".", "%s is gone", b.Name)
		case b.Problem != "":
			v.says(wire.Warn, b.Next, "%s: %s", b.Name, b.Problem)
		case b.Behind > farBehind:
			v.says(wire.Warn, "Look at the disk and the network of "+b.Name+": it catches up by itself when they let it.", "%s is %d changes behind", b.Name, b.Behind)
		}
	}
}

// troubles: what nodes that are there say of themselves.
func (v *judgement) troubles() {
	tell := func(name string, troubles []wire.Trouble) {
		for _, t := range troubles {
			v.says(wire.Warn, t.Next, "%s: %s", name, t.Text)
		}
	}
	for _, b := range v.s.Balancers {
		if b.Alive || b.Name == v.s.Node {
			tell(b.Name, b.Troubles)
		}
	}
	for i := range v.s.Edges {
		if e := &v.s.Edges[i]; reports(e) {
			tell(e.Name, e.Troubles)
		}
	}
}

// builds: an upgrade that has not come to its end.
func (v *judgement) builds() {
	var order []string
	run := map[string][]string{}
	note := func(name, build string) {
		build = cmp.Or(build, "an older one")
		if run[build] == nil {
			order = append(order, build)
		}
		run[build] = append(run[build], name)
	}
	for _, b := range v.s.Balancers {
		if b.Alive || b.Name == v.s.Node {
			note(b.Name, b.Build)
		}
	}
	for i := range v.s.Edges {
		if e := &v.s.Edges[i]; reports(e) && e.State != wire.EdgeDown {
			note(e.Name, e.Build)
		}
	}
	if len(order) < 2 {
		return
	}
	most := slices.MaxFunc(order, func(a, b string) int { return len(run[a]) - len(run[b]) })
	var rest []string
	for _, build := range order {
		if build != most {
			rest = append(rest, enumerate(run[build])+" "+build)
		}
	}
	v.says(wire.Warn, "Bring the upgrade to its end, or back: nodes of neighbouring versions serve together.", "not all run one build: %s, the others %s", strings.Join(rest, ", "), most)
}

// roll: a change of the authority that somebody began, and has to end.
func (v *judgement) roll() {
	if now := v.s.RollOver; now != "" {
		next := nextOfRoll(now)
		v.says(wire.Warn, strings.ToUpper(next[:1])+next[1:], "the authority is being changed")
	}
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
		v.next = "Start the balancers that are gone. If most are lost for good: tandem cluster recover."
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
	case alive < 2:
		return wire.No, "The next failure is not survived: no second edge is there." + v.zone()
	case short != "":
		if v.next == "" {
			v.next = "Add an edge, or let fewer viewers in."
		}
		return wire.No, "The next failure is not survived: " + short + " would be asked for more than it can deliver." + v.zone()
	}
	return wire.Yes, "The next failure is survived." + v.spare() + v.zone()
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
	if voters > 2 && alive == voters/2+1 {
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
