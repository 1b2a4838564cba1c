package fetch

import (
	"net/http"
	"strconv"

	"tandem/edge/rules"

	"tandem/internal/call"
	"tandem/internal/wire"
)

func (f *Fetcher) HandlePurge(w http.ResponseWriter, r *http.Request) {
	var purge wire.Purge
	if !call.Read(w, r, &purge) {
		return
	}
	call.Reply(w, http.StatusOK, map[string]int{"removed": f.Purge(purge)})
}

// Purge removes what a purge names and returns how many objects that were.
func (f *Fetcher) Purge(p wire.Purge) int {
	if !p.Exact {
		return f.store.DeletePrefix(p.Prefix)
	}
	return f.Forget(p.Prefix)
}

// Forget removes an object with all its variants.
func (f *Fetcher) Forget(key string) (removed int) {
	for i := -1; i < rules.Variants; i++ {
		of := key
		if i >= 0 {
			of += rules.VariantMark + strconv.Itoa(i)
		}
		if f.store.Delete(of) {
			removed++
		}
	}
	return removed + f.store.DeletePrefix(key+rules.VariantMark) // slices, a head
}
