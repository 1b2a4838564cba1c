package edge

import (
	"net/http"
	"strconv"

	"tandem/edge/rules"

	"tandem/internal/wire"
)

func (e *Edge) handlePurge(w http.ResponseWriter, r *http.Request) {
	var purge wire.Purge
	if !read(w, r, &purge) {
		return
	}
	reply(w, map[string]int{"removed": e.purge(purge)})
}

// purge removes what a purge names and returns how many objects that were.
func (e *Edge) purge(p wire.Purge) int {
	if !p.Exact {
		return e.store.DeletePrefix(p.Prefix)
	}
	return e.forget(p.Prefix)
}

// forget removes an object with all its variants.
func (e *Edge) forget(key string) (removed int) {
	for i := -1; i < rules.Variants; i++ {
		of := key
		if i >= 0 {
			of += rules.VariantMark + strconv.Itoa(i)
		}
		if e.store.Delete(of) {
			removed++
		}
	}
	return removed
}
