package budget

import (
	"strings"
	"testing"
	"time"
)

// It is said of a budget that it is used up while its count rises, and for a while after
// that; of the others nothing is.
func TestAUsedUpBudgetIsToldForAWhile(t *testing.T) {
	var refused [2]int64
	now := time.Unix(1000, 0)
	begun := 0
	w := NewWatch("edge-1", Refused{
		Connections: NewLimiter(1, 1, nil), Openings: func() int64 { return refused[0] }, Relieved: func() int64 { return refused[1] },
	}, func(string) { begun++ })
	says := func(want string) {
		t.Helper()
		got := ""
		for _, trouble := range w.Reached(now) {
			if !strings.Contains(trouble.Next, "edge-1") {
				t.Errorf("%q names no node", trouble.Next)
			}
			got += strings.Fields(trouble.Text)[0] + " "
		}
		if got != want {
			t.Errorf("%q is said, not %q", got, want)
		}
	}
	says("")
	refused[1] = 7
	says("max-held ")
	now = now.Add(reachedFor - time.Second)
	refused[0]++
	refused[1]++
	says("a max-held ")
	now = now.Add(reachedFor - time.Second)
	says("a max-held ")
	now = now.Add(time.Second)
	says("")
	if refused[1]++; true {
		says("max-held ")
	}
	if begun != 3 {
		t.Errorf("%d times one began to be used up, not 3", begun)
	}
}

// Which of the two bounds was met is counted apart.
func TestConnectionsBeyondAreCountedByTheirBound(t *testing.T) {
	l := NewLimiter(3, 2, func(address string) string { return address })
	var held []Place
	for _, address := range []string{"a", "a", "a", "b", "b"} { // the third of a, the second of b
		p, _ := l.Enter(address)
		held = append(held, p)
	}
	for i := range held {
		l.Leave(&held[i])
	}
	if all, each := l.BeyondEach(); all != 1 || each != 1 || l.Beyond() != 2 {
		t.Errorf("%d in all, %d of a client, %d together", all, each, l.Beyond())
	}
}
