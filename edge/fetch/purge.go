package fetch

import (
	"net/http"
	"strconv"

	"tandem/edge/rules"

	"tandem/internal/cachekey"
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

// Purge removes what a purge names and returns how many objects that were. From now
// on nothing is taken from a neighbour that has not carried it out.
func (f *Fetcher) Purge(p wire.Purge) int {
	f.Purged(p.Seq)
	if p.Tag != "" {
		return f.store.DeleteTagged(p.Tag)
	}
	if !p.Exact {
		return f.store.DeletePrefix(p.Prefix)
	}
	key, ok := cachekey.Of(p.Prefix)
	if !ok {
		return 0
	}
	return f.Forget(key)
}

// Purged notes the number of a purge that has been carried out.
func (f *Fetcher) Purged(seq uint64) {
	for old := f.purged.Load(); seq > old && !f.purged.CompareAndSwap(old, seq); old = f.purged.Load() {
	}
}

// TellPurged says in an answer to a neighbour which purge was carried out last. It
// comes before the copy is looked for.
func (f *Fetcher) TellPurged(h http.Header) {
	if seq := f.purged.Load(); seq > 0 {
		h.Set(wire.HeaderPurged, strconv.FormatUint(seq, 10))
	}
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
