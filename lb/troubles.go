package lb

import (
	"tandem/internal/identity"
	"tandem/internal/wire"
)

// troubles is what this balancer tells operators of itself.
func troubles(l *LB, beside func() []wire.Trouble) []wire.Trouble {
	said := l.budgets.Reached(l.now())
	if c := l.certificate; c != nil {
		if how := identity.Ending(c.Leaf(), l.now()); how != "" {
			said = append(said, wire.Trouble{Text: "the viewers' certificate " + how, Next: "Renew " + c.Name() + ": new files are read by themselves."})
		}
	}
	if beside != nil {
		said = append(said, beside()...)
	}
	return append(said, l.identity.Late()...)
}
