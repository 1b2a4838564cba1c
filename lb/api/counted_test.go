package api

import (
	"fmt"
	"testing"

	"tandem/internal/wire"
	"tandem/raftfsm/placement"
)

// What a receipt has of a balancer already, or has no room for, is not told again.
func TestAShareIsToldUntilItIsThere(t *testing.T) {
	mine := wire.DeathCount{Edge: "e1", Incarnation: 1, Finished: 5, Broken: 1, LongestGap: 40}
	share := func(finished, failed, gap int64) wire.CountedBy {
		return wire.CountedBy{By: "lb-1", Life: 7, Finished: finished, Broken: failed, LongestGap: gap}
	}
	var full []wire.CountedBy
	for i := range placement.MaxShares {
		full = append(full, wire.CountedBy{By: fmt.Sprint("lb-", i+2), Life: 7})
	}
	for name, row := range map[string]struct {
		shares []wire.CountedBy
		there  bool
	}{
		"nothing":               {nil, false},
		"the same":              {[]wire.CountedBy{share(5, 1, 40)}, true},
		"more of each":          {[]wire.CountedBy{share(6, 2, 50)}, true},
		"fewer finished":        {[]wire.CountedBy{share(4, 2, 50)}, false},
		"fewer broken":          {[]wire.CountedBy{share(6, 0, 50)}, false},
		"a shorter gap":         {[]wire.CountedBy{share(6, 2, 39)}, false},
		"another life's":        {[]wire.CountedBy{{By: "lb-1", Life: 6, Finished: 9, Broken: 9, LongestGap: 99}}, false},
		"no room":               {full, true},
		"fewer, and no room":    {append(full[1:len(full):len(full)], share(4, 1, 40)), false},
		"the same, and no room": {append(full[1:len(full):len(full)], share(5, 1, 40)), true},
	} {
		receipts := []wire.Receipt{{Edge: "e1", Incarnation: 1, Shares: row.shares}}
		if got := shared(receipts, []wire.DeathCount{mine}, "lb-1", 7); got != row.there {
			t.Errorf("%s: %v", name, got)
		}
	}
	if !shared(nil, []wire.DeathCount{mine}, "lb-1", 7) {
		t.Error("there is no receipt to tell of")
	}
}
