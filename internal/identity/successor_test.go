package identity

import (
	"crypto/tls"
	"errors"
	"net"
	"testing"
	"time"
)

// A node that was away when a second root was made known, and when its authority began
// to issue, knows the first one alone: it is let in, and lets in, until that is dropped;
// so is who joins by a ticket of before. A third authority carries no more than one before.
func TestWhoSleptOverARollOverIsLetIn(t *testing.T) {
	c := newTown(t)
	asleep, other := c.node(Edge, "edge-1"), c.node(Balancer, "lb-2")
	ticket, err := NewTicket(Edge, "edge-9", []string{"x"}, c.ca.Root(), moment.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	old := c.ca.Root()
	for range 2 {
		next, err := c.ca.Successor(moment)
		if err != nil {
			t.Fatal(err)
		}
		text, err := next.PEM()
		if err != nil {
			t.Fatal(err)
		}
		before := c.ca.Root()
		if c.ca, err = ParseAuthority(text, ""); err != nil { // as another balancer has it
			t.Fatal(err)
		}
		if string(c.ca.Root()) != string(next.Root()) || string(c.ca.Root()) == string(before) || len(c.ca.above) != 2 || c.ca.Cluster() != next.Cluster() {
			t.Fatalf("%d certificates above, cluster %s", len(c.ca.above), c.ca.Cluster())
		}
		lb := c.node(Balancer, "lb-1")
		if err := lb.Trust(append(append([]byte(nil), before...), c.ca.Root()...)); err != nil {
			t.Fatal(err)
		}
		slept := string(before) == string(old) // one roll-over, not two
		for what, conn := range map[string]*tls.Config{"who slept": asleep.Client("127.0.0.1", Want{Role: Balancer}, ProtocolHTTP), "who joins": ticket.Joining("127.0.0.1", moment, func(error) {})} {
			ours, theirs := net.Pipe()
			server := tls.Server(theirs, lb.Server(ProtocolHTTP))
			heard := make(chan error, 1)
			go func() { heard <- server.Handshake() }()
			err := tls.Client(ours, conn).Handshake()
			if slept && err != nil || !slept && !errors.Is(err, ErrForeign) {
				t.Errorf("%s: %v", what, err)
			}
			ours.Close()
			theirs.Close()
			<-heard
		}
		if _, err := lb.now.Load().identify(asleep.own(), moment); slept == errors.Is(err, ErrForeign) {
			t.Errorf("by the balancer: %v", err)
		}
		if _, err := other.now.Load().identify(lb.own(), moment); slept == errors.Is(err, ErrForeign) {
			t.Errorf("by a balancer that slept: %v", err)
		}
		if err := lb.Trust(c.ca.Root()); err != nil {
			t.Fatal(err)
		}
		if _, err := lb.now.Load().identify(asleep.own(), moment); !errors.Is(err, ErrForeign) {
			t.Errorf("the first root is dropped, and counts: %v", err)
		}
	}
}
