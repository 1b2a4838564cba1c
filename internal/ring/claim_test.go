package ring

import (
	"testing"

	"pgregory.net/rapid"
)

func TestWhoHasTheMostClaimsMakesWay(t *testing.T) {
	const now = 10_000
	fresh := func(client string, slot int, opened int64) Claim {
		return Claim{Pair: 1, Slot: slot, Client: client, Opened: opened, Seen: now - 1}
	}
	greedy := []Claim{fresh("b", 3, 30), fresh("a", 2, 20), fresh("b", 5, 25), fresh("b", 4, 25), fresh("c", 6, 1)}
	for _, c := range []struct {
		name   string
		claims []Claim
		client string
		slot   int // 0: nobody
	}{
		{"the oldest of the one that has most", greedy, "d", 4},
		{"also for one that has some", greedy, "a", 4},
		{"never for itself", greedy, "b", 0},
		{"one each", []Claim{fresh("a", 1, 1), fresh("b", 2, 2)}, "c", 0},
		{"whoever asks for nothing, whoever has most", append([]Claim{{Pair: 1, Slot: 9, Client: "e", Opened: 50, Seen: now - ReadyWithin}}, greedy...), "b", 9},
		{"nobody is there", nil, "a", 0},
	} {
		if got, ok := Yields(c.claims, c.client, now); ok != (c.slot > 0) || got.Slot != c.slot {
			t.Errorf("%s: %+v, %v", c.name, got, ok)
		}
	}
}

// Whatever clients do, nobody's fresh claims make way for one that would then have more.
func TestAClaimThatMakesWayLeavesNobodyWithLess(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var claims []Claim
		for i := range rapid.IntRange(0, 30).Draw(t, "claims") {
			claims = append(claims, Claim{Slot: i, Client: rapid.StringMatching("[a-d]").Draw(t, "client"), Opened: rapid.Int64Range(0, 5).Draw(t, "opened"), Seen: 1})
		}
		client := rapid.StringMatching("[a-e]").Draw(t, "viewer")
		c, ok := Yields(claims, client, 2)
		most := 0
		for _, other := range claims {
			most = max(most, ClaimsOf(claims, other.Client))
		}
		have := ClaimsOf(claims, client)
		if ok != (most > have+1) {
			t.Fatalf("%v of %+v for %s", ok, claims, client)
		}
		if ok && ClaimsOf(claims, c.Client) != most {
			t.Fatalf("%+v of %+v makes way", c, claims)
		}
	})
}
