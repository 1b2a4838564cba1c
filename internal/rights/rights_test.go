package rights

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tandem/internal/identity"
	"tandem/internal/ring"
	"tandem/internal/wire"
)

// stage is a gate before an endpoint that says yes, and nodes of every role.
type stage struct {
	t     *testing.T
	nodes map[string]*identity.Bundle
	now   time.Time
	gate  *Gate
	ca    *identity.Authority

	strangers map[identity.Role]map[string]*identity.Bundle
}

var roles = map[string]identity.Role{
	"edge-1": identity.Edge, "edge-2": identity.Edge, "edge-3": identity.Edge, "edge-4": identity.Edge, "lb-1": identity.Balancer, "origin-1": identity.Origin, "node-1": identity.Node,
}

func newStage(t *testing.T, rows []Row) *stage {
	t.Helper()
	s := &stage{t: t, now: time.Now(), nodes: map[string]*identity.Bundle{}, strangers: map[identity.Role]map[string]*identity.Bundle{}}
	var err error
	if s.ca, err = identity.NewAuthority("", s.now); err != nil {
		t.Fatal(err)
	}
	for name, role := range roles {
		s.nodes[name] = s.node(s.ca, role, name)
	}
	p := ring.Copy(new(wire.Placement))
	for _, name := range []string{"edge-1", "edge-2", "edge-3", "edge-4"} {
		p.Edges = append(p.Edges, wire.Edge{Name: name, State: wire.EdgeUp, Capacity: 10})
	}
	for i, pair := range [][2]string{{"edge-1", "edge-2"}, {"edge-2", "edge-3"}, {"edge-3", "edge-4"}, {"edge-4", "edge-1"}} {
		p.Pairs = append(p.Pairs, wire.Pair{ID: wire.PairID(i + 1), Low: pair[0], High: pair[1], Slots: 10, Boundary: 5, Home: 5})
	}
	p.Index()
	secret, _ := wire.NewSecret("a secret that is long enough")
	asked := "lb-1"
	if &rows[0] == &OfEdges[0] {
		asked = "edge-1"
	}
	s.gate = &Gate{Identity: s.nodes[asked], Secret: secret, Placement: func() *wire.Placement { return p }, Rows: rows}
	return s
}

func (s *stage) node(ca *identity.Authority, role identity.Role, name string) *identity.Bundle {
	s.t.Helper()
	return s.nodeSince(ca, role, name, s.now)
}

func (s *stage) nodeSince(ca *identity.Authority, role identity.Role, name string, since time.Time) *identity.Bundle {
	s.t.Helper()
	dir := s.t.TempDir()
	if err := identity.Enrol(dir, ca, identity.Grant{Role: role, Node: name, Addresses: []string{"10.0.0.1"}, Version: 7}, since); err != nil {
		s.t.Fatal(err)
	}
	b, err := identity.Open(dir, func() time.Time { return s.now })
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}

// ask asks as a node does; nil: on a connection without a certificate.
func (s *stage) ask(by *identity.Bundle, method, path string, body []byte, header ...string) (int, string) {
	ctx, cancel := context.WithTimeout(s.t.Context(), 50*time.Millisecond) // nobody waits for a version that does not come
	defer cancel()
	r := httptest.NewRequest(method, path, bytes.NewReader(body)).WithContext(ctx)
	r.TLS = &tls.ConnectionState{}
	if by != nil {
		r.TLS.PeerCertificates = by.Self().Chain()
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.gate.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if again, _ := io.ReadAll(r.Body); !bytes.Equal(again, body) {
			s.t.Errorf("%s %s: the handler reads %q", method, path, again)
		}
		if !Node(r) {
			s.t.Errorf("%s %s: not known as a node's", method, path)
		}
	})).ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// said is what edge-2 says at an endpoint, true to what it is, and what of it would
// not be its own.
type said struct {
	method, path string
	body         any
	header       []string
}

func (d said) bytes() []byte {
	if raw, ok := d.body.([]byte); ok {
		return raw
	}
	if d.body == nil {
		return nil
	}
	text, _ := json.Marshal(d.body)
	return text
}

func notice(edge string, pair wire.PairID) []byte {
	return (&wire.Notice{Edge: edge, Incarnation: 1, Sequence: 1, Pair: pair, Boundary: 5, Slots: 10}).Append(nil)
}

func pairHeader(id string) []string { return []string{wire.HeaderPair, id} }

// Every endpoint with every role: what the table says, and nothing else.
func TestEveryEndpointIsForItsRoles(t *testing.T) {
	own := map[string]said{ // by method and path, for edge-2
		"POST " + wire.PathNotice:      {body: notice("edge-2", 1)},
		"PUT " + wire.PathObject + "/": {path: wire.PathObject + "/a/b.m3u8", header: pairHeader("1")},
		"GET " + wire.PathObject + "/": {path: wire.PathObject + "/a//b.m3u8"},
		"POST " + wire.PathCopy:        {body: wire.CopyHint{From: "edge-2", Pair: 1}},
		"GET " + wire.PathInventory:    {path: wire.PathInventory + "?pair=1"},
		"POST " + wire.PathRegister:    {body: wire.Register{Edge: wire.Edge{Name: "edge-2", HTTP: "https://10.0.0.1:1", Admin: "http://10.0.0.1:2"}}},
		"POST " + wire.PathReport:      {body: wire.Report{Edge: "edge-2"}},
		"POST " + wire.PathSuspect:     {body: wire.Suspicion{Edge: "edge-1", By: "edge-2"}},
		"POST " + wire.PathStopping:    {body: wire.Stopping{Edge: "edge-2"}},
		"POST " + wire.PathReady:       {body: wire.Ready{Edge: "edge-2"}},
		"POST " + wire.PathJoin:        {body: wire.Join{Balancer: wire.Balancer{Name: "lb-1", HTTP: "https://10.0.0.1:1", Raft: "10.0.0.1:7"}}},
	}
	for _, rows := range [][]Row{OfEdges, OfBalancers, OfOrigins, ForViewers} {
		s := newStage(t, rows)
		for _, row := range rows {
			d := own[row.Method+" "+row.Path]
			if d.path == "" {
				d.path = row.Path
			}
			for _, name := range []string{"edge-2", "lb-1", "origin-1"} {
				want := http.StatusForbidden
				for _, role := range row.Roles {
					if roles[name].Is(role) || role == Anybody {
						want = http.StatusOK
					}
				}
				if status, text := s.ask(s.nodes[name], row.Method, d.path, d.bytes(), d.header...); status != want {
					t.Errorf("%s %s by %s: %d %s, want %d", row.Method, d.path, name, status, text, want)
				}
			}
			if row.Roles[0] == Anybody {
				continue
			}
			for what, by := range s.strangersAs(row.Roles[0]) {
				if status, text := s.ask(by, row.Method, d.path, d.bytes(), d.header...); status != http.StatusForbidden {
					t.Errorf("%s %s by %s: %d %s", row.Method, d.path, what, status, text)
				}
			}
		}
	}
}

// One that ends by its own wish watches its pairs no more and still ends what it has in
// flight, and one that hung speaks before it hears that it was declared dead: what they say
// of their pairs is refused by nobody's certificate, and nobody is warned of them.
func TestAMemberThatIsDownSpeaksOfItsPairs(t *testing.T) {
	for _, d := range []said{
		{"POST", wire.PathNotice, notice("edge-2", 1), nil},
		{"PUT", wire.PathObject + "/a/b.m3u8", nil, pairHeader("1")},
		{"POST", wire.PathCopy, wire.CopyHint{From: "edge-2", Pair: 1}, nil},
	} {
		s := newStage(t, OfEdges)
		p := s.gate.Placement()
		p.Edges[1].State, p.Edges[1].Stopped = wire.EdgeDown, true
		p.Pairs[0].Boundary, p.Pairs[1].Boundary = 10, 0
		if status, text := s.ask(s.nodes["edge-2"], d.method, d.path, d.bytes(), d.header...); status != http.StatusOK {
			t.Errorf("%s %s: %d %s", d.method, d.path, status, text)
		}
	}
}

// strangersAs are nodes of a role whose certificate is no good, and one that has none.
func (s *stage) strangersAs(role identity.Role) map[string]*identity.Bundle {
	if s.strangers[role] == nil {
		s.strangers[role] = map[string]*identity.Bundle{
			"nobody": nil, "a node of another cluster": s.node(foreign(s.t, s.now), role, "edge-2"),
			"one that has expired": s.nodeSince(s.ca, role, "edge-2", s.now.Add(-identity.NodeLife-time.Hour)),
			"one of tomorrow":      s.nodeSince(s.ca, role, "edge-2", s.now.Add(24*time.Hour)),
		}
	}
	return s.strangers[role]
}

func foreign(t *testing.T, now time.Time) *identity.Authority {
	ca, err := identity.NewAuthority("", now)
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

// An edge speaks for itself, for its own pairs, and is reached where its certificate
// says.
func TestWhatIsNotItsOwnIsRefused(t *testing.T) {
	for _, d := range []said{
		{"POST", wire.PathNotice, notice("edge-3", 1), nil},
		{"POST", wire.PathNotice, notice("edge-2", 3), nil},
		{"POST", wire.PathNotice, notice("edge-2", 99), nil},
		{"POST", wire.PathNotice, []byte("nonsense"), nil},
		{"PUT", wire.PathObject + "/a/b.m3u8", nil, pairHeader("3")},
		{"PUT", wire.PathObject + "/a/b.m3u8", nil, pairHeader("2")}, // not of edge-1, who is asked
		{"POST", wire.PathCopy, wire.CopyHint{From: "edge-2", Pair: 2}, nil},
		{"PUT", wire.PathObject + "/a/b.m3u8", nil, nil},
		{"POST", wire.PathCopy, wire.CopyHint{From: "edge-3", Pair: 1}, nil},
		{"POST", wire.PathCopy, wire.CopyHint{From: "edge-2", Pair: 3}, nil},
		{"GET", wire.PathInventory + "?pair=4", nil, nil},
		{"GET", wire.PathInventory, nil, nil},
	} {
		s := newStage(t, OfEdges)
		if status, text := s.ask(s.nodes["edge-2"], d.method, d.path, d.bytes(), d.header...); status != http.StatusForbidden || !strings.Contains(text, "own") {
			t.Errorf("%+v: %d %s", d, status, text)
		}
	}
	s := newStage(t, OfBalancers)
	for _, d := range []said{
		{"POST", wire.PathReport, wire.Report{Edge: "edge-1"}, nil},
		{"POST", wire.PathReport, []byte("{"), nil},
		{"POST", wire.PathSuspect, wire.Suspicion{Edge: "edge-1", By: "edge-3"}, nil},
		{"POST", wire.PathStopping, wire.Stopping{Edge: "edge-1"}, nil},
		{"POST", wire.PathReady, wire.Ready{Edge: "edge-1"}, nil},
		{"POST", wire.PathRegister, wire.Register{Edge: wire.Edge{Name: "edge-1", HTTP: "https://10.0.0.1:1"}}, nil},
		{"POST", wire.PathRegister, wire.Register{Edge: wire.Edge{Name: "edge-2", HTTP: "https://10.0.0.9:1"}}, nil},
		{"POST", wire.PathRegister, wire.Register{Edge: wire.Edge{Name: "edge-2", HTTP: "https://10.0.0.1:1", Admin: "http://169.254.169.254/"}}, nil},
	} {
		if status, text := s.ask(s.nodes["edge-2"], d.method, d.path, d.bytes()); status != http.StatusForbidden {
			t.Errorf("%+v: %d %s", d, status, text)
		}
	}
	for _, b := range []wire.Balancer{{Name: "lb-2", HTTP: "https://10.0.0.1:1"}, {Name: "lb-1", Raft: "10.0.0.9:7"}, {Name: "lb-1", HTTP: "https://evil.example:1"}} {
		d := said{body: wire.Join{Balancer: b}}
		if status, text := s.ask(s.nodes["lb-1"], "POST", wire.PathJoin, d.bytes()); status != http.StatusForbidden {
			t.Errorf("%+v: %d %s", b, status, text)
		}
	}
	if status, _ := s.ask(s.nodes["lb-1"], "GET", wire.Internal+"nothing", nil); status != http.StatusNotFound {
		t.Errorf("an endpoint that is in no row: %d", status)
	}
	if status, _ := s.ask(s.nodes["node-1"], "POST", wire.PathPropose, nil); status != http.StatusOK {
		t.Errorf("a node is a balancer as well: %d", status)
	}
}

// A certificate counts as long as it counts, and not until the connection ends.
func TestCertificateIsJudgedAtEachRequest(t *testing.T) {
	s := newStage(t, OfBalancers)
	ping := func(name string) int {
		status, _ := s.ask(s.nodes[name], "GET", wire.PathPing, nil)
		return status
	}
	if ping("edge-2") != http.StatusOK {
		t.Fatal("not let in to begin with")
	}
	s.gate.Identity.Revoke(map[string]uint64{"edge-2": 7})
	if a, b := ping("edge-2"), ping("edge-3"); a != http.StatusForbidden || b != http.StatusOK {
		t.Errorf("revoked: %d, another one: %d", a, b)
	}
	s.now = s.now.Add(identity.NodeLife + time.Hour)
	if status, text := s.ask(s.nodes["edge-3"], "GET", wire.PathPing, nil); status != http.StatusForbidden || !strings.Contains(text, "NTP") {
		t.Errorf("expired: %d %s", status, text)
	}
}

// Without identities the secret is what counts, in a field of each request; where
// there are some it is worth a ping, which says what the node is.
func TestTheSecretOpensNothingWhereNodesHaveNames(t *testing.T) {
	s := newStage(t, OfBalancers)
	bearer := []string{wire.HeaderAuth, s.gate.Secret.Bearer()}
	if status, _ := s.ask(nil, "POST", wire.PathPropose, nil, bearer...); status != http.StatusForbidden {
		t.Errorf("the secret alone: %d", status)
	}
	var told error
	s.gate.Refused = Unnamed(func(_ *http.Request, err error) { told = err })
	closed := s.gate.Closed(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for _, row := range []struct {
		method, path, bearer string
		want                 int
	}{
		{"GET", wire.PathPing, bearer[1], http.StatusOK},
		{"GET", wire.PathPing, "", http.StatusForbidden}, // a stranger, of whom nobody is told
		{"POST", wire.PathPing, bearer[1], http.StatusForbidden},
		{"GET", wire.PathPlacement, bearer[1], http.StatusForbidden},
		{"GET", wire.PathKeys, bearer[1], http.StatusForbidden},
		{"POST", wire.PathEnroll, bearer[1], http.StatusForbidden},
	} {
		r := httptest.NewRequest(row.method, row.path, nil)
		r.Header.Set(wire.HeaderAuth, row.bearer)
		w := httptest.NewRecorder()
		if closed.ServeHTTP(w, r); w.Code != row.want {
			t.Errorf("%+v: %d", row, w.Code)
		}
		if unnamed := errors.Is(told, ErrUnnamed); unnamed && row.bearer == "" || !unnamed && told != nil {
			t.Errorf("%+v: told of %v", row, told)
		}
		if mend := strings.Contains(w.Body.String(), "tandem join"); mend != (row.bearer != "" && row.want != http.StatusOK) {
			t.Errorf("%+v: %s", row, w.Body)
		}
	}
	if told == nil {
		t.Error("nobody is told of a node that has no certificate")
	}
	s.gate.Identity = nil
	if status, _ := s.ask(nil, "POST", wire.PathPropose, nil, bearer...); status != http.StatusOK {
		t.Errorf("without identities: %d", status)
	}
	if status, _ := s.ask(nil, "POST", wire.PathPropose, nil, wire.HeaderAuth, "another"); status != http.StatusForbidden {
		t.Errorf("without identities, another secret: %d", status)
	}
}

func TestStrangersFillNoLog(t *testing.T) {
	told := 0
	tell := Seldom(func(*http.Request, error) { told++ })
	for range 1000 {
		tell(nil, nil)
	}
	if told == 0 || told > 3 {
		t.Errorf("told %d times", told)
	}
}
