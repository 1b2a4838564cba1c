package ring

import "tandem/internal/wire"

// ReadyWithin is how long a player may take from what it asked for last to its first
// media where room is short, in milliseconds.
const ReadyWithin = 5000

// Claim is a session that was given no media yet. A slot is earned: where room is short
// such a session is the first to make way, so that whoever opens and never plays keeps
// nobody out.
type Claim struct {
	Pair         wire.PairID
	Slot         int
	Client       string // wire.ClientOf the viewer
	Opened, Seen int64  // unix milliseconds
}

// Yields picks the claim that makes way for a client: the one for which nothing was
// asked for longest, where that is a while; else the oldest one of the client that has
// the most, where that has more than this client would have.
func Yields(claims []Claim, client string, now int64) (Claim, bool) {
	have, stale, found := map[string]int{}, Claim{}, false
	for _, c := range claims {
		have[c.Client]++
		if c.Seen <= now-ReadyWithin && (!found || c.Seen < stale.Seen) {
			stale, found = c, true
		}
	}
	if found {
		return stale, true
	}
	oldest, most := Claim{}, have[client]+1
	for _, c := range claims {
		switch n := have[c.Client]; {
		case n > most, found && n == most && before(c, oldest):
			oldest, most, found = c, n, true
		}
	}
	return oldest, found
}

// before orders claims by their age, and those that are as old by their place.
func before(a, b Claim) bool {
	switch {
	case a.Opened != b.Opened:
		return a.Opened < b.Opened
	case a.Pair != b.Pair:
		return a.Pair < b.Pair
	}
	return a.Slot < b.Slot
}

// ClaimsOf counts a client's claims.
func ClaimsOf(claims []Claim, client string) (n int) {
	for _, c := range claims {
		if c.Client == client {
			n++
		}
	}
	return n
}
