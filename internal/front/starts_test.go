package front

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"tandem/internal/front/fair"
	"tandem/internal/front/kernel"
)

// While Go's scheduler has enough to begin, clients are begun in turn, each one's requests in
// their order.
func TestClientsAreBegunInTurn(t *testing.T) {
	poll, err := kernel.OpenPoller()
	if err != nil {
		t.Fatal(err)
	}
	defer poll.Close()
	l := &Loop{poll: poll}
	s := &l.starts
	s.waiting = fair.New[netip.Prefix, func()]()
	s.begun.Store(startsMost)
	begun := make(chan string)
	for i := range 4 {
		s.begin(l, netip.MustParsePrefix("192.0.2.1/32"), func() { begun <- fmt.Sprint("crowd ", i) })
	}
	s.begin(l, netip.MustParsePrefix("2001:db8::/64"), func() { begun <- "viewer" })
	s.begun.Add(-1) // the scheduler has begun one of those before
	var order []string
	for range 5 {
		s.next(l)
		order = append(order, <-begun) // one at a time: s.begun is below what may be by one
	}
	if want := []string{"crowd 0", "viewer", "crowd 1", "crowd 2", "crowd 3"}; !slices.Equal(order, want) {
		t.Errorf("%q; want %q", order, want)
	}
	if len(l.inbox) == 0 {
		t.Error("the loop was not told that another one may begin")
	}
}
