package lb

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"tandem/internal/identity"
	"tandem/internal/wire"
)

// namedStage is a balancer whose nodes have names.
func namedStage(t *testing.T) (*stage, *identity.Authority) {
	t.Helper()
	return namedStageThatTells(t, nil)
}

// namedStageThatTells is a namedStage with a log of its own; nil: the test's.
func namedStageThatTells(t *testing.T, log *zerolog.Logger) (*stage, *identity.Authority) {
	t.Helper()
	ca, err := identity.NewAuthority("", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "lb-1")
	if err = identity.SaveAuthority(dir, ca); err == nil {
		err = identity.Enrol(dir, ca, identity.Grant{Role: identity.Balancer, Node: "lb-1", Addresses: []string{"127.0.0.1"}}, time.Now())
	}
	if err != nil {
		t.Fatal(err)
	}
	c := newStage(t, stageOptions{log: log, config: func(cfg *Config) { cfg.Identity = filepath.Dir(dir) }})
	server, config, others := c.lb.Process().Nodes()
	over := make(chan error, 1)
	go func() { over <- server.Serve(tls.NewListener(others, config)) }()
	t.Cleanup(func() { _ = server.Close(); <-over })
	until(t, "the cluster has its authority", func() bool { p := c.lb.Placement().Trust; return p != nil && p.Roots != "" })
	return c, ca
}

// asNode asks with a certificate; nil: with none.
func (c *stage) asNode(id *identity.Bundle, method, path string, body any) (int, []byte) {
	c.t.Helper()
	config := &tls.Config{InsecureSkipVerify: true}
	if id != nil {
		config = id.Client("127.0.0.1", identity.Want{Role: identity.Balancer}, identity.ProtocolHTTP)
	}
	text, err := json.Marshal(body)
	if err != nil {
		c.t.Fatal(err)
	}
	r, _ := http.NewRequest(method, strings.Replace(c.url, "http:", "https:", 1)+path, bytes.NewReader(text))
	resp, err := (&http.Transport{TLSClientConfig: config, DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return resp.StatusCode, answer
}

// enrol shows a ticket's secret.
func (c *stage) enrol(key identity.Key, secret []byte) (int, wire.Certified) {
	c.t.Helper()
	request, err := key.Request()
	if err != nil {
		c.t.Fatal(err)
	}
	status, text := c.asNode(nil, http.MethodPost, wire.PathEnroll, wire.Enrol{Ticket: secret, Request: string(request)})
	var given wire.Certified
	_ = json.Unmarshal(text, &given)
	return status, given
}

// joined lets an edge in by a ticket.
func (c *stage) joined(name string) (*identity.Bundle, identity.Ticket, identity.Key) {
	c.t.Helper()
	until(c.t, "this balancer is known", func() bool { return len(c.lb.Placement().Balancers) == 1 })
	var made wire.TicketMade
	c.api(http.MethodPost, "/tickets", wire.TicketOrder{Role: "edge", Node: name, Addresses: []string{"127.0.0.1"}}, http.StatusOK, &made)
	ticket, err := identity.ParseTicket(made.Ticket)
	if err != nil || len(ticket.At) != 1 || "http://"+ticket.At[0] != c.url {
		c.t.Fatal(ticket.At, err)
	}
	dir := c.t.TempDir()
	key, err := identity.PendingKey(dir)
	if err != nil {
		c.t.Fatal(err)
	}
	status, given := c.enrol(key, ticket.Secret)
	if again, _ := c.enrol(key, ticket.Secret); status != http.StatusOK || again != http.StatusOK {
		c.t.Fatalf("%d, and when the answer was lost %d", status, again)
	}
	if err := identity.Save(dir, key, []byte(given.Chain), []byte(given.Roots)); err != nil {
		c.t.Fatal(err)
	}
	edge, err := identity.OpenAs(dir, identity.Edge, name, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	return edge, ticket, key
}

// A ticket lets one node in, once; from then on it renews by its certificate, until
// it is revoked.
func TestNodesJoinByTicketsAndAreRevoked(t *testing.T) {
	var told written
	log := zerolog.New(&told).Level(zerolog.WarnLevel)
	c, _ := namedStageThatTells(t, &log)
	for want, asked := range map[string]wire.TicketOrder{
		`\"king\" is no role`:      {Role: "king", Node: "edge-1", Minutes: 5},
		"minutes: 10081":           {Role: "edge", Node: "edge-1", Minutes: 10081, Addresses: []string{"10.0.0.1"}},
		"address: \\\"10.0.0.1:80": {Role: "edge", Node: "edge-1", Minutes: 5, Addresses: []string{"10.0.0.1:80"}},
	} {
		if text := string(c.api(http.MethodPost, "/tickets", asked, http.StatusBadRequest, nil)); !strings.Contains(text, want) {
			t.Errorf("%+v: %s", asked, text)
		}
	}
	if text := string(c.api(http.MethodPost, "/edges/"+c.lb.cfg.Name+"/remove", nil, http.StatusNotFound, nil)); !strings.Contains(text, "is a balancer: tandem cluster remove-balancer") {
		t.Errorf("an order for an edge, at a balancer: %s", text)
	}
	for role, want := range map[string]int{"edge": http.StatusConflict, "origin": http.StatusConflict, "balancer": http.StatusOK, "node": http.StatusOK} {
		until(t, "this balancer is known", func() bool { return len(c.lb.Placement().Balancers) == 1 })
		asked := wire.TicketOrder{Role: role, Node: c.lb.cfg.Name, Addresses: []string{"127.0.0.1"}, Minutes: 5}
		if text := string(c.api(http.MethodPost, "/tickets", asked, want, nil)); want != http.StatusOK && !strings.Contains(text, c.lb.cfg.Name+" is a balancer of this cluster") {
			t.Errorf("a ticket for %s of a balancer's name: %s", role, text)
		}
	}
	edge, ticket, key := c.joined("edge-1")
	if status, _ := c.enrol(key, []byte("some other secret")); status != http.StatusForbidden {
		t.Errorf("a ticket that nobody made: %d", status)
	}
	other, _ := identity.NewKey()
	if status, _ := c.enrol(other, ticket.Secret); status != http.StatusConflict {
		t.Errorf("a second node by one ticket: %d", status)
	}
	if text := told.String(); !strings.Contains(text, "the ticket for edge-1 has been used") || !strings.Contains(text, "tandem revoke edge-1") {
		t.Errorf("the balancer's log: %s", text)
	}
	renewed, _ := identity.NewKey()
	request, _ := renewed.Request()
	if status, text := c.asNode(edge, http.MethodPost, wire.PathRenew, wire.Enrol{Request: string(request)}); status != http.StatusOK {
		t.Errorf("a renewal: %d %s", status, text)
	}
	c.api(http.MethodPost, "/nodes/edge-1/revoke", nil, http.StatusOK, nil)
	until(t, "the balancer goes by it", func() bool {
		status, _ := c.asNode(edge, http.MethodGet, wire.PathPing, nil)
		return status == http.StatusForbidden
	})
	if status, _ := c.enrol(key, ticket.Secret); status != http.StatusForbidden {
		t.Errorf("the ticket after its node was revoked: %d", status)
	}
}

// A node that joins by another clock is a line here, whether it could join or not; what
// strangers say of theirs is none.
func TestWhoJoinsByAnotherClockIsALine(t *testing.T) {
	var told written
	log := zerolog.New(&told).Level(zerolog.WarnLevel)
	c, _ := namedStageThatTells(t, &log)
	_, ahead, key := c.joined("edge-1")
	_, behind, _ := c.joined("edge-2")
	request, err := key.Request()
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for _, row := range []struct {
		asked  wire.Enrol
		status int
	}{
		{wire.Enrol{Ticket: ahead.Secret, Request: string(request), Clock: now.Add(time.Hour).UnixMilli()}, http.StatusOK},
		{wire.Enrol{ID: identity.TicketID(behind.Secret), Clock: now.Add(-time.Hour).UnixMilli()}, http.StatusBadRequest},
		{wire.Enrol{ID: "0123", Clock: now.Add(-time.Hour).UnixMilli()}, http.StatusBadRequest},
		{wire.Enrol{Ticket: []byte("0123"), Request: string(request), Clock: now.Add(-time.Hour).UnixMilli()}, http.StatusForbidden},
		{wire.Enrol{}, http.StatusBadRequest},
	} {
		status, text := c.asNode(nil, http.MethodPost, wire.PathEnroll, row.asked)
		var given wire.Certified
		_ = json.Unmarshal(text, &given)
		if status != row.status || (given.Clock >= now.UnixMilli()) != (status == http.StatusOK) {
			t.Errorf("%+v: %d %s", row.asked, status, text)
		}
	}
	text := told.String()
	for _, want := range []string{`"peer":"edge-1","ahead":"1h0m0s"`, `"peer":"edge-2","ahead":"-1h0m0s"`} {
		if strings.Count(text, want) != 1 {
			t.Errorf("want one line of %s: %s", want, text)
		}
	}
	if strings.Count(text, "another one than this balancer's") != 2 {
		t.Error(text)
	}
}

// What nodes ask of each other is not to be had at the viewers' side of the same port,
// nor by a certificate of another role.
func TestViewersFindNoEndpointOfNodes(t *testing.T) {
	c, _ := namedStage(t)
	edge, _, _ := c.joined("edge-1")
	for _, row := range []struct {
		id           *identity.Bundle
		method, path string
		want         int
	}{
		{edge, http.MethodGet, wire.PathPlacement, http.StatusOK}, {edge, http.MethodPost, wire.PathPropose, http.StatusForbidden}, {nil, http.MethodGet, wire.PathPlacement, http.StatusForbidden},
	} {
		if status, text := c.asNode(row.id, row.method, row.path, nil); status != row.want {
			t.Errorf("%s %s: %d %s, want %d", row.method, row.path, status, text, row.want)
		}
	}
	bearer := c.lb.cfg.Secret.Bearer()
	for path, want := range map[string]int{wire.PathPlacement: http.StatusForbidden, wire.PathKeys: http.StatusForbidden, wire.PathEnroll: http.StatusForbidden, wire.PathPing: http.StatusOK} {
		if resp, _ := c.viewer(nil, path, wire.HeaderAuth, bearer); resp.StatusCode != want {
			t.Errorf("%s in clear, with the secret: %s", path, resp.Status)
		}
	}
}

// A second root is trusted, issues, and the first counts no longer, but not before
// every node has a certificate of the new one, or by force.
func TestTheAuthorityRollsOver(t *testing.T) {
	c, ca := namedStage(t)
	origin := filepath.Join(t.TempDir(), "origin-1") // it speaks here, and does not renew
	if err := identity.Enrol(origin, ca, identity.Grant{Role: identity.Origin, Node: "origin-1", Addresses: []string{"127.0.0.1"}}, time.Now()); err != nil {
		t.Fatal(err)
	}
	id, err := identity.Open(origin, nil)
	if err != nil {
		t.Fatal(err)
	}
	var said wire.Standing
	if status, text := c.asNode(id, http.MethodGet, wire.PathTrust, nil); status != http.StatusOK || json.Unmarshal(text, &said) != nil || said.Trust == nil || said.Trust.Roots != string(ca.Root()) || len(said.Datagrams.Keys) == 0 || strings.Contains(string(text), "tokens") {
		t.Errorf("what an origin hears: %d %s", status, text)
	}
	for _, step := range []string{"drop", "use", "new", "new", "drop", "use", "new"} { // what is out of turn changes nothing
		want := http.StatusConflict
		if roots := strings.Count(c.lb.Placement().Trust.Roots, "BEGIN"); step == "new" && roots == 1 || step == "use" && roots == 2 {
			want = http.StatusOK
		}
		if text := string(c.api(http.MethodPost, "/authority/"+step, nil, want, nil)); want == http.StatusConflict && !strings.Contains(text, "tandem cluster authority") && !strings.Contains(text, "one root alone") {
			t.Errorf("%s: %s", step, text)
		}
	}
	if roots := c.lb.Placement().Trust.Roots; !strings.Contains(roots, string(ca.Root())) {
		t.Error("the first root is gone before its end")
	}
	until(t, "only the origin is left", func() bool {
		text := string(c.api(http.MethodPost, "/authority/drop", nil, http.StatusConflict, nil))
		return strings.Contains(text, "origin-1") && !strings.Contains(text, "lb-1")
	})
	c.api(http.MethodPost, "/authority/drop?force=true", nil, http.StatusOK, nil)
	c.api(http.MethodPost, "/authority/burn", nil, http.StatusNotFound, nil)
	if roots := c.lb.Placement().Trust.Roots; strings.Contains(roots, string(ca.Root())) || strings.Count(roots, "BEGIN") != 1 {
		t.Errorf("trusted at last:\n%s", roots)
	}
	until(t, "this balancer has a certificate of the new root", func() bool { return strings.Contains(string(rootsOf(t, c)), c.lb.Placement().Trust.Roots) })
}

// rootsOf is what the balancer's own files trust.
func rootsOf(t *testing.T, c *stage) []byte {
	t.Helper()
	roots, err := os.ReadFile(filepath.Join(c.lb.cfg.Identity, "lb-1", "roots.pem"))
	if err != nil {
		t.Fatal(err)
	}
	return roots
}
