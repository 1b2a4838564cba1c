package edge

import "tandem/internal/wire"

// troubles is what this edge tells operators of itself.
func troubles(e *Edge) []wire.Trouble {
	return append(e.budgets.Reached(e.now()), e.identity.Late()...)
}
