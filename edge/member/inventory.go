package member

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"tandem/edge/fetch"
	"tandem/edge/rules"
	"tandem/internal/call"
	"tandem/internal/wire"
	"tandem/segstore"
)

const (
	maxInventory  = 2000000 // objects of a pair
	inventoryWait = 30 * time.Second
)

// inventoryOf asks a neighbour what it holds of a pair.
func inventoryOf(ctx context.Context, by *call.Client, from wire.Edge, pair wire.PairID) ([]wire.Item, error) {
	ctx, cancel := context.WithTimeout(ctx, inventoryWait)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from.HTTP+wire.PathInventory+"?pair="+strconv.Itoa(int(pair)), nil)
	if err != nil {
		return nil, err
	}
	resp, err := by.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("inventory of %s: %s", from.Name, resp.Status)
	}
	var items []wire.Item
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 64<<10)
	ended := false
	for lines.Scan() && len(items) < maxInventory {
		var it wire.Item
		if err := json.Unmarshal(lines.Bytes(), &it); err != nil {
			return nil, fmt.Errorf("inventory of %s: %w", from.Name, err)
		}
		if it.Key == "" {
			ended = true
			break
		}
		items = append(items, it)
	}
	if !ended {
		return nil, fmt.Errorf("inventory of %s: %w", from.Name, fetch.ErrShort)
	}
	return items, nil
}

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

// HandleInventory lists the stored objects of a pair, one a line; an
// empty one ends the list.
func (m *Member) HandleInventory(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseUint(r.URL.Query().Get("pair"), 10, 32)
	if err != nil {
		http.Error(w, "want ?pair=NUMBER", http.StatusBadRequest)
		return
	}
	of := belongs(m.view.Placement(), wire.PairID(id))
	w.Header().Set("Content-Type", "application/x-ndjson")
	out := json.NewEncoder(w)
	m.store.List(func(it segstore.Item) bool {
		if it.Meta.Volatile || it.Meta.Vary != "" || !of(&it.Meta, it.Key) {
			return true
		}
		return out.Encode(wire.Item{
			Key: it.Key, ETag: it.Meta.ETag, Size: it.Meta.Size, Digest: it.Meta.Digest, Hits: it.Hits, Used: it.Used.UnixMilli(),
			Stored: it.Meta.Stored.UnixMilli(),
		}) == nil
	})
	_ = out.Encode(wire.Item{})
}
