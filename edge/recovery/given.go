package recovery

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"tandem/edge/fetch"
	"tandem/internal/call"
	"tandem/internal/wire"
)

// Limits of an inventory.
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
