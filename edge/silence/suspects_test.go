package silence

import (
	"slices"
	"testing"
	"time"
)

// A sign is acted by at once; the same again and again less and less often; and after a
// rest at once again. Others have their own.
func TestASignIsActedByAtOnceAndThenLessOften(t *testing.T) {
	var s Suspects[string]
	start := time.Unix(1_800_000_000, 0)
	var acted []int
	for second := range 400 {
		if s.Due("e1", start.Add(time.Duration(second)*time.Second)) {
			acted = append(acted, second)
		}
	}
	if want := []int{0, 1, 3, 7, 15, 31, 63, 123, 183, 243, 303, 363}; !slices.Equal(acted, want) {
		t.Errorf("acted at %v, want %v", acted, want)
	}
	if !s.Due("e2", start.Add(400*time.Second)) {
		t.Error("another one was not suspected before")
	}
	if rested := start.Add(900 * time.Second); !s.Due("e1", rested) || !s.Due("e1", rested.Add(time.Second)) {
		t.Error("after a rest it is as at the first time")
	}
}
