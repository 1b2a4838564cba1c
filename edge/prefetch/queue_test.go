package prefetch

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/rs/zerolog"
)

func TestTheEarliestDeadlineComesFirst(t *testing.T) {
	p, now := New(Deps{Logger: zerolog.Nop(), Now: time.Now}), time.Now()
	for i, after := range []int{5, 1, 4, 1, 3} {
		p.want(Wanted{Target: fmt.Sprint(i)}, false, 1, now.Add(time.Duration(after)*time.Second))
	}
	p.want(Wanted{Target: "0"}, false, 1, now)                     // sooner than it was thought
	p.want(Wanted{Target: "1"}, false, 1, now.Add(10*time.Second)) // later: for somebody else
	var order []string
	for j := p.next(); j != nil; j = p.next() {
		order = append(order, j.What.Target)
	}
	if want := []string{"0", "1", "3", "4", "2"}; !slices.Equal(order, want) {
		t.Errorf("%v, want %v", order, want)
	}
}
