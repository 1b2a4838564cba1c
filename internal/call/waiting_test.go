package call

import (
	"slices"
	"testing"
)

func TestWaitingIsReadAsItIsSaid(t *testing.T) {
	for text, want := range map[string]Waiting{
		"1":                        {Name: "1"},
		"k2x;asks=edge-2;asks=e.3": {"k2x", []string{"edge-2", "e.3"}},
		";asks=edge-2":             {"", []string{"edge-2"}},
		"":                         {},
	} {
		if got := ParseWaiting(text); got.Name != want.Name || !slices.Equal(got.Asks, want.Asks) || want.String() != text {
			t.Errorf("%q is %+v, and said %q", text, got, want)
		}
	}
	if got := ParseWaiting("1;later=x;asks=a;asks=b;asks=c;asks=d;asks=e"); got.Name != "1" || len(got.Asks) != waitingMost {
		t.Errorf("%+v", got)
	}
}
