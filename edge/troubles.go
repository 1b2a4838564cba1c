package edge

import "tandem/internal/wire"

// troubles is what this edge tells operators of itself.
func troubles(e *Edge) []wire.Trouble {
	said := append(e.budgets.Reached(e.now()), e.identity.Late()...)
	if e.beside != nil {
		said = append(said, e.beside()...)
	}
	return said
}
