package api

import (
	"cmp"
	"slices"
	"strings"

	"tandem/internal/wire"
)

// troubles: what nodes that are there say of themselves; what several say is said once.
func (v *judgement) troubles() {
	var order []wire.Trouble // as the first of them says it
	of := map[string][]string{}
	tell := func(name string, troubles []wire.Trouble) {
		for _, t := range troubles {
			if of[t.Text] == nil {
				order = append(order, t)
			}
			of[t.Text] = append(of[t.Text], name)
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
	for _, t := range order {
		v.says(wire.Warn, t.Next, "%s: %s", enumerate(of[t.Text]), t.Text)
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
