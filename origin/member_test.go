package origin

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tandem/internal/call"
	"tandem/internal/identity"
	"tandem/internal/rights"
	"tandem/internal/wire"
)

// town certifies the nodes of a test's cluster.
type town struct {
	t  *testing.T
	ca *identity.Authority
}

func newTown(t *testing.T) *town {
	t.Helper()
	ca, err := identity.NewAuthority("", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return &town{t, ca}
}

// directory holds a new node's identity.
func (c *town) directory(role identity.Role, name string) string {
	c.t.Helper()
	dir := c.t.TempDir()
	if err := identity.Enrol(dir, c.ca, identity.Grant{Role: role, Node: name, Addresses: []string{"127.0.0.1"}, Version: 7}, time.Now()); err != nil {
		c.t.Fatal(err)
	}
	return dir
}

func (c *town) node(role identity.Role, name string) *identity.Bundle {
	c.t.Helper()
	b, err := identity.Open(c.directory(role, name), nil)
	if err != nil {
		c.t.Fatal(err)
	}
	return b
}

// listen serves nodes with TLS; its address is host:port.
func (c *town) listen(h http.Handler, config *tls.Config) string {
	c.t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		c.t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(h)
	_ = s.Listener.Close()
	s.Listener = tls.NewListener(ln, config)
	s.Start()
	c.t.Cleanup(s.Close)
	return ln.Addr().String()
}

// arrived is an object as somebody got it.
type arrived struct {
	by     string // name and role in the sender's certificate
	header http.Header
	body   string
}

// receiver takes what is put to it, as a node of that role.
func (c *town) receiver(role identity.Role, name string) (url string, got chan arrived) {
	id, got := c.node(role, name), make(chan arrived, 16)
	gate := &rights.Gate{Identity: id, Rows: rights.OfEdges, Placement: func() *wire.Placement { return new(wire.Placement) }}
	return "https://" + c.listen(gate.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		peer, _ := rights.Peer(r)
		body, _ := io.ReadAll(r.Body)
		got <- arrived{peer.Node + " " + string(peer.Role), r.Header, string(body)}
		w.WriteHeader(http.StatusNoContent)
	})), id.Server(identity.ProtocolHTTP)), got
}

// asks asks an origin's listener for nodes.
func asks(t *testing.T, by *identity.Bundle, address, path string, header ...string) (int, string, http.Header) {
	t.Helper()
	client := call.NewClient("", wire.Secret{}, by)
	t.Cleanup(client.Close)
	r, err := http.NewRequest(http.MethodGet, "https://"+address+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body), resp.Header
}

// named starts an origin that is a node of the cluster; address is where nodes ask it.
func (c *town) named(cfg Config, d Deps) (o started, address string) {
	c.t.Helper()
	cfg.Name, cfg.Identity, cfg.NodeListen = "origin-1", c.directory(identity.Origin, "origin-1"), "127.0.0.1:0"
	cfg.Listen = "127.0.0.1:0"
	if len(cfg.Balancers) == 0 {
		cfg.Balancers = []string{"http://127.0.0.1:1"}
	}
	o = start(c.t, cfg, d)
	h, config := o.Nodes()
	return o, c.listen(h, config)
}

// An origin with a certificate sends the second copy to edges of the cluster, by TLS,
// and no secret goes over it; nobody else gets anything, and nobody but an edge may
// say to whom.
func TestANamedOriginSendsToEdgesOfItsClusterAlone(t *testing.T) {
	c := newTown(t)
	dir := t.TempDir()
	write(t, dir, "film/1.ts", "segment")
	secret := multicastSecret(t)
	o, address := c.named(Config{Media: dir}, Deps{Secret: secret})
	go func() { _ = o.Run(t.Context()) }()
	edge := c.node(identity.Edge, "edge-1")
	partner, got := c.receiver(identity.Edge, "edge-2")

	status, body, h := asks(t, edge, address, "/film/1.ts", wire.HeaderDest, partner, wire.HeaderPair, "3")
	if status != http.StatusOK || body != "segment" || h.Get(wire.HeaderDest) != partner || h.Get(wire.HeaderDigest) == "" {
		t.Fatalf("%d %q %v", status, body, h)
	}
	a := soon(t, got)
	if a.by != "origin-1 origin" || a.body != "segment" || a.header.Get(wire.HeaderPair) != "3" || a.header.Get(wire.HeaderAuth) != "" {
		t.Errorf("the partner got %+v", a)
	}

	// Who is no edge of the cluster gets nothing, whatever an edge says.
	balancer, wrong := c.receiver(identity.Balancer, "lb-1")
	stranger, strange := newTown(t).receiver(identity.Edge, "edge-2")
	for _, to := range []string{balancer, stranger} {
		asks(t, edge, address, "/film/1.ts", wire.HeaderDest, to)
	}
	plain := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("in clear: %s %s", r.Method, r.URL) }))
	defer plain.Close()
	asks(t, edge, address, "/film/1.ts", wire.HeaderDest, plain.URL)
	for end := time.Now().Add(20 * time.Second); failed(t, o) < 3; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%v deliveries have failed, want 3", failed(t, o))
		}
	}
	if len(wrong)+len(strange) != 0 {
		t.Error("somebody else got an object")
	}

	// At the listener that is not the nodes' no secret makes anybody one.
	answer, _ := o.get(t, "/film/1.ts", wire.HeaderDest, partner, wire.HeaderAuth, secret.Bearer())
	if answer.StatusCode != http.StatusOK || answer.Header.Get(wire.HeaderDest) != "" || answer.Header.Get(wire.HeaderDigest) != "" {
		t.Errorf("%s %v", answer.Status, answer.Header)
	}
	if answer, _ := o.get(t, wire.PathCounts, wire.HeaderAuth, secret.Bearer()); answer.StatusCode != http.StatusForbidden {
		t.Errorf("counts: %s", answer.Status)
	}
	if status, text, _ := asks(t, c.node(identity.Balancer, "lb-2"), address, "/film/1.ts"); status != http.StatusForbidden {
		t.Errorf("a balancer: %d %s", status, text)
	}
	if status, text, _ := asks(t, c.node(identity.Balancer, "lb-2"), address, wire.PathCounts); status != http.StatusOK {
		t.Errorf("counts: %d %s", status, text)
	}
}

// failed is how many deliveries have.
func failed(t *testing.T, o started) float64 {
	t.Helper()
	all, err := o.deps.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		for _, m := range f.GetMetric() {
			if f.GetName() == "tandem_origin_deliveries_total" && m.GetLabel()[0].GetValue() == "failed" {
				return m.GetCounter().GetValue()
			}
		}
	}
	return 0
}

// What the cluster says of trust counts at the origin: a revoked edge gets nothing, and
// datagrams are sealed with the cluster's own key.
func TestAnOriginGoesByWhatTheClusterSays(t *testing.T) {
	c := newTown(t)
	dir := t.TempDir()
	write(t, dir, "film/1.ts", "segment")
	lb := c.node(identity.Balancer, "lb-1")
	said := wire.Standing{Trust: &wire.Trust{Roots: string(c.ca.Root()), Revoked: []wire.Revocation{{Node: "edge-1", Version: 8}}}, Version: 5, Datagrams: wire.KeySet{
		Sealing: 2, Keys: []wire.Key{{ID: 1, Secret: make([]byte, wire.KeySize)}, {ID: 2, Secret: bytes.Repeat([]byte{2}, wire.KeySize)}},
	}}
	gate := &rights.Gate{Identity: lb, Rows: rights.OfBalancers}
	balancer := c.listen(gate.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { call.Reply(w, http.StatusOK, said) })), lb.Server(identity.ProtocolHTTP))
	o, address := c.named(Config{Media: dir, Balancers: []string{"http://127.0.0.1:1", "http://" + balancer}}, Deps{})
	edge := c.node(identity.Edge, "edge-1")
	group := &net.UDPAddr{IP: net.IPv4(239, 255, 77, 2), Port: freePort(t)}
	if status, text, _ := asks(t, edge, address, "/film/1.ts", wire.HeaderDest, "udp://"+group.String()); status != http.StatusOK {
		t.Fatalf("before: %d %s", status, text)
	}
	if err := o.member.anyBalancer(t.Context(), followLimit, o.member.takeFrom); err != nil {
		t.Fatal(err)
	}
	if status, text, _ := asks(t, edge, address, "/film/1.ts"); status != http.StatusForbidden || !strings.Contains(text, "revoked") {
		t.Errorf("after: %d %s", status, text)
	}
	member := joined(t, group)
	go func() { _ = o.Run(t.Context()) }()
	if status, text, _ := asks(t, c.node(identity.Edge, "edge-2"), address, "/film/1.ts", wire.HeaderDest, "udp://"+group.String()); status != http.StatusAccepted {
		t.Fatalf("to the group: %d %s", status, text)
	}
	d, whole := assembled(t, member, wire.NewDatagramOpener(func(id uint8) ([]byte, bool) { return said.Datagrams.Keys[1].Secret, id == 2 }))
	if d.Key != "/film/1.ts" || string(whole) != "segment" {
		t.Errorf("the group got %q of %s", whole, d.Key)
	}
}

func TestANamedOriginNeedsAllThatANodeNeeds(t *testing.T) {
	for text, c := range map[string]Config{
		"all three":   {Sample: true, Identity: "dir", NodeListen: "127.0.0.1:0"},
		"--balancers": {Sample: true, Identity: "dir", NodeListen: "127.0.0.1:0", Balancers: []string{"lb"}},
	} {
		c.IngestMaxBytes, c.IngestMaxPushes, c.IngestIdle, c.Window, c.MulticastRate, c.MulticastHops = 1, 1, 1, 3, 1, 1
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// A balancer whose clock is an hour ahead issues what nobody takes yet: the next one is asked.
func TestABalancerWithAWrongClockRenewsNothing(t *testing.T) {
	c := newTown(t)
	asked := map[string]int{}
	balancer := func(name string, ahead time.Duration) string {
		return "https://" + c.listen(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var said wire.Enrol
			if asked[name]++; !call.Read(w, r, &said) {
				return
			}
			chain, err := c.ca.Issue([]byte(said.Request), identity.Grant{Role: identity.Origin, Node: "origin-1", Addresses: []string{"127.0.0.1"}, Version: 8}, time.Now().Add(ahead))
			if err != nil {
				t.Error(err)
			}
			call.Reply(w, http.StatusOK, wire.Certified{Chain: string(chain), Roots: string(c.ca.Root())})
		}), c.node(identity.Balancer, name).Server(identity.ProtocolHTTP))
	}
	m, err := newMember(Config{Name: "origin-1", Identity: c.directory(identity.Origin, "origin-1"), Balancers: []string{balancer("lb-1", time.Hour), balancer("lb-2", time.Hour), balancer("lb-3", 0)}}, Deps{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	key, err := identity.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	request, err := key.Request()
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if chain, _, err := m.renew(t.Context(), request); err != nil || m.id.Early(chain) != nil {
			t.Errorf("renewed by %v: %v", asked, err)
		}
	}
	if asked["lb-3"] != 2 {
		t.Errorf("asked %v", asked)
	}
}
