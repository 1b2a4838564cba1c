package recovery

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"

	"tandem/edge/fetch"
	"tandem/edge/rules"
	"tandem/internal/wire"
	"tandem/segstore"
)

// belongs tells which objects are a pair's: those that it was asked for, wherever
// they lie, and those of its streams, which may be newer to it than they are.
func belongs(p *wire.Placement, pair wire.PairID) func(m *segstore.Meta, key string) bool {
	streams := map[string]bool{}
	for s := range p.Streams.All() {
		if slices.Contains(s.Pairs, pair) {
			streams[s.Stream] = true
		}
	}
	return func(m *segstore.Meta, key string) bool {
		return m.Pairs.Has(uint32(pair)) || streams[cmp.Or(m.Stream, fetch.StreamOf(p, rules.PathOf(key)))]
	}
}

// Inventory is a handler that lists the stored objects of a pair, one a line; an empty one
// ends the list. This edge's clock is so far ahead.
func Inventory(store *segstore.Store, ahead time.Duration, placement *wire.Placement, w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseUint(r.URL.Query().Get("pair"), 10, 32)
	if err != nil {
		http.Error(w, "want ?pair=NUMBER", http.StatusBadRequest)
		return
	}
	of := belongs(placement, wire.PairID(id))
	w.Header().Set("Content-Type", "application/x-ndjson")
	out := json.NewEncoder(w)
	store.List(func(it segstore.Item) bool {
		if it.Meta.Volatile || !rules.Common(it.Meta.Vary) || !of(&it.Meta, it.Key) {
			return true
		}
		return out.Encode(wire.Item{
			Key: it.Key, ETag: it.Meta.ETag, Size: it.Meta.Size, Digest: it.Meta.Digest, Hits: it.Hits, Used: it.Used.Add(-ahead).UnixMilli(),
			Stored: it.Meta.Stored.Add(-ahead).UnixMilli(),
		}) == nil
	})
	_ = out.Encode(wire.Item{})
}
