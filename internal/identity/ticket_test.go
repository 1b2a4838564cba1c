package identity

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tandem/internal/filewatch"
	"tandem/internal/wire"
)

func TestTicketHasOneFormAndAnotherName(t *testing.T) {
	c := newTown(t)
	made, err := NewTicket(Edge, "edge-9", []string{"127.0.0.1:7443"}, c.ca.Root(), moment.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	text := made.Text()
	got, err := ParseTicket("\n" + text + " \n")
	if err != nil || got.Text() != text || got.Role != Edge || got.Node != "edge-9" || !bytes.Equal(got.Secret, made.Secret) {
		t.Fatalf("%+v, %v", got, err)
	}
	nowhere := made
	nowhere.At = nil
	// Of two ends that mean the same bytes one is a ticket.
	padded := Ticket{Role: Edge, Node: "edge-9", At: []string{"1"}, Root: made.Root, Secret: made.Secret}
	for len(padded.Text()[len(ticketMark):])%4 == 0 {
		padded.At[0] += "1"
	}
	spare := []byte(padded.Text())
	spare[len(spare)-1]++
	for _, bad := range []string{nowhere.Text(), string(spare), "", text[1:], text[:len(text)-8], text + "=", ticketMark, ticketMark + "e30", strings.Repeat("x", 5000)} {
		if _, err := ParseTicket(bad); !errors.Is(err, ErrTicketForm) {
			t.Errorf("%.30q: %v", bad, err)
		}
	}
	if id := TicketID(made.Secret); len(id) != 32 || strings.Contains(text, id) || id == TicketID(append(made.Secret, 0)) {
		t.Error(id)
	}
	if _, err := NewTicket("operator", "x", nil, c.ca.Root(), moment); err == nil {
		t.Error("a ticket for a role that no node has")
	}
}

// A node that joins has no certificate yet: the ticket's hash tells it whether it
// speaks to the cluster, or to somebody in between.
func TestWhoJoinsTellsTheClusterFromAManInTheMiddle(t *testing.T) {
	c := newTown(t)
	ticket, err := NewTicket(Edge, "edge-9", []string{"x"}, c.ca.Root(), moment.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	for what, row := range map[string]struct {
		server *Bundle
		clock  time.Duration // here
		err    error
		off    error // of the time alone
	}{
		"a balancer of the cluster":               {c.node(Balancer, "lb-1"), 0, nil, nil},
		"one that is an edge too":                 {c.node(Node, "node-1"), 0, nil, nil},
		"an edge of the cluster":                  {c.node(Edge, "edge-1"), 0, ErrRole, nil},
		"another cluster":                         {newTown(t).node(Balancer, "lb-1"), 0, ErrForeign, nil},
		"a clock that is an hour behind":          {c.node(Balancer, "lb-1"), -time.Hour, nil, ErrClock},
		"a clock that is two months ahead":        {c.node(Balancer, "lb-1"), 2 * NodeLife, nil, ErrExpired},
		"an edge, by such a clock":                {c.node(Edge, "edge-1"), -time.Hour, ErrRole, ErrClock},
		"another cluster, by such a clock":        {newTown(t).node(Balancer, "lb-1"), -time.Hour, ErrForeign, nil},
		"another cluster, by one that is ahead":   {newTown(t).node(Balancer, "lb-1"), 2 * NodeLife, ErrForeign, nil},
		"a clock that is an hour ahead is no bar": {c.node(Balancer, "lb-1"), time.Hour, nil, nil},
	} {
		ours, theirs := net.Pipe()
		server := tls.Server(theirs, row.server.Server(ProtocolHTTP))
		go func() { _ = server.Handshake() }()
		var off error
		err := tls.Client(ours, ticket.Joining("127.0.0.1", moment.Add(row.clock), func(why error) { off = why })).Handshake()
		if !errors.Is(err, row.err) || !errors.Is(off, row.off) {
			t.Errorf("%s: %v, %v of the time; want %v, %v", what, err, off, row.err, row.off)
		}
		ours.Close()
		theirs.Close()
	}
}

func TestKeyOfARequestIsKnownAgain(t *testing.T) {
	key, request := newRequest(t)
	again, err := key.Request()
	if err != nil {
		t.Fatal(err)
	}
	first, err := KeyID(request)
	if err != nil {
		t.Fatal(err)
	}
	if second, err := KeyID(again); err != nil || first != second {
		t.Error(first, second, err)
	}
	_, other := newRequest(t)
	if third, _ := KeyID(other); third == first {
		t.Error("two keys have one name")
	}
	for _, bad := range [][]byte{nil, []byte("x"), bytes.Replace(request, []byte("REQUEST"), []byte("THING"), 2)} {
		if _, err := KeyID(bad); !errors.Is(err, ErrFile) {
			t.Errorf("%.20q: %v", bad, err)
		}
	}
}

// renewing is a node whose certificate has an hour left before two thirds of its
// life are over.
type renewing struct {
	*Bundle
	ca            *Authority
	failing       atomic.Bool // no balancer answers
	asked, failed atomic.Int64
	version       atomic.Uint64 // of the placement, where the balancer is
	fast          atomic.Int64  // by how much the balancer's clock is ahead, nanoseconds
	why           atomic.Pointer[error]
	renewed       []time.Time
}

func startRenewing(t *testing.T) (r *renewing, stop func() error) {
	t.Helper()
	began := time.Now()
	ca, err := NewAuthority("", began)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	issue(t, dir, ca, Grant{Role: Edge, Node: "edge-1", Addresses: []string{"127.0.0.1"}}, began.Add(time.Hour-NodeLife*2/3))
	b, err := Open(dir, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	r = &renewing{Bundle: b, ca: ca}
	r.failing.Store(true)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- b.Run(ctx, r.ask, Tell{Renewed: func(until time.Time) { r.renewed = append(r.renewed, until) }, Failed: func(err error) { r.why.Store(&err); r.failed.Add(1) }})
	}()
	return r, func() error { cancel(); return <-ended }
}

func (r *renewing) ask(_ context.Context, request []byte) (chain, roots []byte, err error) {
	r.asked.Add(1)
	if r.failing.Load() {
		return nil, nil, errors.New("no balancer answers")
	}
	g, err := r.Self().Grant()
	if err != nil {
		return nil, nil, err
	}
	g.Version = r.version.Load()
	chain, err = r.ca.Issue(request, g, time.Now().Add(time.Duration(r.fast.Load())))
	return chain, r.ca.Root(), err
}

// pass lets so much time pass, and what is due then happen.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestCertificateIsRenewedByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, stop := startRenewing(t)
		pass(55 * time.Minute)
		if n := r.asked.Load(); n != 0 {
			t.Errorf("%d requests in the first two thirds of its life", n)
		}
		if late := r.Late(); late != nil {
			t.Errorf("operators are told too early: %v", late)
		}
		pass(time.Hour)
		if asked, failed := r.asked.Load(), r.failed.Load(); asked < 50 || asked > 60 || failed != asked {
			t.Errorf("%d requests, %d failures in 55 minutes without a balancer", asked, failed)
		}
		r.failing.Store(false)
		old := r.Until()
		pass(2 * time.Minute)
		if len(r.renewed) != 1 || !r.Until().After(old) {
			t.Errorf("renewed %v, good until %s", r.renewed, r.Until())
		}
		r.Renew() // by command
		pass(time.Second)
		if len(r.renewed) != 2 {
			t.Errorf("renewed %d times, once by command", len(r.renewed))
		}
		if again, err := Open(r.Dir(), time.Now); err != nil || !again.Until().Equal(r.Until()) {
			t.Error("the files hold another certificate:", err)
		}
		// By hand: others' files are taken while the node runs.
		issue(t, r.Dir(), r.ca, Grant{Role: Edge, Node: "edge-1", Addresses: []string{"10.0.0.1"}}, time.Now())
		pass(2 * filewatch.Every)
		if g, err := r.Self().Grant(); len(r.renewed) != 3 || err != nil || g.Addresses[0] != "10.0.0.1" {
			t.Errorf("files that were replaced: %+v, renewed %d times, %v", g, len(r.renewed), err)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// A balancer whose clock is ahead issues what is not valid yet: the old one, which all
// take, stays, and the log says why. So does a node whose own clock is behind.
func TestWhatIsNotValidYetReplacesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, stop := startRenewing(t)
		r.failing.Store(false)
		r.fast.Store(int64(time.Hour))
		old := r.Until()
		r.Renew()
		pass(time.Second)
		if !r.Until().Equal(old) || r.failed.Load() != 1 || len(r.renewed) > 0 {
			t.Errorf("good until %s, before %s; failed %d, renewed %v", r.Until(), old, r.failed.Load(), r.renewed)
		}
		if why := r.why.Load(); why == nil || !errors.Is(*why, ErrClock) || !strings.Contains((*why).Error(), "edge-1") || !strings.Contains((*why).Error(), "set both clocks") {
			t.Errorf("told %v", why)
		}
		r.fast.Store(int64(time.Minute)) // as clocks may differ
		r.Renew()
		pass(time.Second)
		if len(r.renewed) != 1 || !r.Until().After(old) {
			t.Errorf("renewed %v, good until %s", r.renewed, r.Until())
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// The authority changes while no balancer answers, and the first that does is one that has
// not heard of it: nothing else changes after that, and the certificate is of the new one.
func TestAnotherAuthorityIsAskedUntilItIssues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, stop := startRenewing(t)
		if err := r.Follow(&wire.Trust{Issuer: 7}); err != nil {
			t.Fatal(err)
		}
		pass(20 * time.Second)
		if r.failed.Load() < 2 {
			t.Errorf("asked %d times in 20 s", r.asked.Load())
		}
		r.failing.Store(false) // knows version 0
		pass(2 * filewatch.Every)
		r.version.Store(9)
		pass(2 * filewatch.Every)
		if got := versionOf(r.now.Load().leaf); got != 9 {
			t.Errorf("its certificate is of version %d, the authority of 7", got)
		}
		asked := r.asked.Load()
		pass(time.Minute)
		if again := r.asked.Load() - asked; again != 0 {
			t.Errorf("asked %d times more", again)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}
