package control

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"tandem/internal/call"
	"tandem/internal/identity"
	"tandem/internal/rights"
	"tandem/internal/wire"
)

// Why a node and the others don't hear each other is told by what the call failed of, and
// no longer once it is heard.
func TestARefusalSaysWhatIsWrong(t *testing.T) {
	p := (&wire.Placement{Edges: []wire.Edge{{Name: "edge-1"}}, Balancers: []wire.Balancer{{Name: "lb-2"}}}).Index()
	now := time.Unix(1000, 0)
	var lines bytes.Buffer
	m := newMisfits(func() time.Time { return now }, zerolog.New(&lines))
	for _, row := range []struct {
		err  error
		want string
	}{
		{fmt.Errorf("dial: %w", identity.ErrForeign), "its certificate is not of this cluster"},
		{identity.ErrExpired, "its certificate has expired"},
		{identity.ErrClock, "its certificate is not valid yet"},
		{identity.ErrRevoked, "its certificate is revoked"},
		{&call.StatusError{Status: http.StatusForbidden}, "it refuses what this balancer shows"},
		{&call.StatusError{Status: http.StatusBadGateway}, ""},
		{errors.New("connection refused"), ""},
		{nil, ""},
	} {
		lines.Reset()
		m.callee(identity.Balancer, "lb-2", row.err)
		m.callee(identity.Balancer, "lb-2", row.err)
		if said := strings.Count(lines.String(), "\n"); said > 1 || (said == 1) != (row.want != "") { // once, until it is heard
			t.Errorf("%v: %d lines: %s", row.err, said, lines.String())
		}
		got := ""
		if r := m.Refused("lb-2"); r != nil {
			if got = r.Text; r.Next == "" {
				t.Errorf("%v: no next step", row.err)
			}
		}
		if got != row.want {
			t.Errorf("%v: %q, want %q", row.err, got, row.want)
		}
		m.told("lb-2", now.UnixMilli()+3000, now)
		if m.Refused("lb-2") != nil || m.Ahead("lb-2") != 3*time.Second {
			t.Errorf("%v: it was heard: %+v, %s ahead", row.err, m.Refused("lb-2"), m.Ahead("lb-2"))
		}
	}
	m.note("lb-2", Refusal{"it shows another secret", "y"})
	m.callee(identity.Balancer, "lb-2", &call.StatusError{Status: http.StatusForbidden})
	if r := m.Refused("lb-2"); r == nil || r.Text != "it shows another secret" {
		t.Errorf("what its own calls told is gone: %+v", r)
	}
	m.callee(identity.Balancer, "lb-2", identity.ErrRevoked) // the commands are those for this node
	if r := m.Refused("lb-2"); r == nil || r.Next != "If that was meant: tandem cluster remove-balancer lb-2. Else join lb-2 anew: tandem ticket balancer lb-2 --address HOST, and on it tandem join TICKET --identity DIR." {
		t.Errorf("%+v", r)
	}
	m.told("lb-2", now.UnixMilli()+3000, now)
	m.note("edge-1", Refusal{"x", "y"})
	m.note("gone", Refusal{"x", "y"})
	m.told("gone", 1, now)
	m.keep(p)
	if len(m.refused) != 1 || len(m.clocks) != 1 || m.Refused("edge-1") == nil {
		t.Errorf("%v %v", m.refused, m.clocks)
	}
	now = now.Add(time.Minute)
	if m.Refused("edge-1") != nil || m.Ahead("lb-2") != 0 {
		t.Error("told for ever")
	}
}

// A clock that is off is a line, once, and the same for one that is behind; those that are
// kept are none.
func TestAClockThatIsOffIsALine(t *testing.T) {
	var out bytes.Buffer
	now := time.Unix(1_800_000_000, 0)
	m := newMisfits(func() time.Time { return now }, zerolog.New(&out))
	for _, off := range []time.Duration{0, 9 * time.Second, time.Hour, time.Hour + time.Second, 0, -time.Hour} {
		m.told("edge-1", now.Add(off).UnixMilli(), now)
		m.told("edge-2", now.UnixMilli(), now)
	}
	if text := out.String(); strings.Count(text, "\n") != 2 || !strings.Contains(text, `"peer":"edge-1","ahead":"1h0m0s"`) || !strings.Contains(text, `"ahead":"-1h0m0s"`) || strings.Contains(text, "edge-2") {
		t.Error(text)
	}
}

// What a caller shows says whether it means to be a node, and what is wrong with it.
func TestACallerIsToldByWhatItShows(t *testing.T) {
	p := (&wire.Placement{Edges: []wire.Edge{{Name: "edge-1"}}}).Index()
	for _, row := range []struct {
		tls  bool
		auth string
		err  error
		want string
	}{
		{false, "", errors.New("closed to viewers"), ""},
		{false, "Bearer x", errors.New("closed to viewers"), "it shows another secret than this cluster's"},
		{false, "Bearer x", rights.ErrUnnamed, "it shows the secret and no certificate"},
		{true, "", identity.ErrNone, ""},
		{true, "Bearer x", identity.ErrNone, ""},
		{true, "", errors.New("edge-1 is edge; this is for balancers"), ""},
		{true, "", identity.ErrExpired, "its certificate has expired"},
	} {
		m := newMisfits(time.Now, zerolog.Nop())
		r := httptest.NewRequest(http.MethodPost, wire.PathReport, nil)
		r.Header.Set(wire.HeaderFrom, "edge-1")
		if row.auth != "" {
			r.Header.Set(wire.HeaderAuth, row.auth)
		}
		if row.tls {
			r.TLS = &tls.ConnectionState{}
		}
		m.caller(p, r, row.err)
		got := ""
		if why := m.Refused("edge-1"); why != nil {
			got = why.Text
		}
		if got != row.want {
			t.Errorf("%+v: %q", row, got)
		}
		if errors.Is(row.err, identity.ErrExpired) && !strings.Contains(m.Refused("edge-1").Next, "tandem ticket edge edge-1 --address") {
			t.Errorf("%+v", m.Refused("edge-1"))
		}
	}
}

// A balancer that most of the nodes refuse is shut out, for as long as they do; one of which
// some others have heard too little is not.
func TestWhoMostNodesRefuseIsShutOut(t *testing.T) {
	p := (&wire.Placement{
		Edges:     []wire.Edge{{Name: "edge-1", State: wire.EdgeUp}, {Name: "edge-2", State: wire.EdgeUp}, {Name: "edge-3", State: wire.EdgeDown}},
		Balancers: []wire.Balancer{{Name: "lb-1"}, {Name: "lb-2"}, {Name: "lb-3"}},
	}).Index()
	now := time.Unix(1000, 0)
	m := newMisfits(func() time.Time { return now }, zerolog.Nop())
	refused := &call.StatusError{Status: http.StatusForbidden}
	for i, name := range []string{"edge-3", "edge-1", "lb-2", "lb-3"} { // edge-3 is down, and counts for nothing
		m.callee(identity.Edge, name, refused)
		if got := m.shutOut(p, "lb-1"); got != (i == 3) {
			t.Errorf("%s refuses it too: %v", name, got)
		}
	}
	now = now.Add(refusedFor - time.Second)
	for _, name := range []string{"edge-1", "lb-2", "lb-3"} {
		m.callee(identity.Edge, name, refused)
	}
	if now = now.Add(2 * time.Second); !m.shutOut(p, "lb-1") {
		t.Error("they refuse it still, and it is let in")
	}
	m.told("lb-2", now.UnixMilli(), now)
	if m.shutOut(p, "lb-1") {
		t.Error("lb-2 has been heard")
	}
	if m.callee(identity.Edge, "edge-1", identity.ErrRevoked); m.shutOut(p, "lb-1") {
		t.Error("whoever is refused here shuts nobody out")
	}
}
