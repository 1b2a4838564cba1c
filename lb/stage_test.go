package lb

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"tandem/internal/ring"
	"tandem/internal/wire"
	"tandem/lb/api"
	"tandem/raftfsm/placement"
)

const stageSecret = "a secret that is long enough"

// stage is a balancer with its members, served as in life.
type stage struct {
	t       *testing.T
	lb      *LB
	url     string
	admin   *httptest.Server
	members []*member
	client  *http.Client
	stop    func()
}

type stageOptions struct {
	edges, capacity int
	config          func(c *Config)
	listener        net.Listener
	now             func() time.Time
	log             *zerolog.Logger
	deps            func(d *Deps)
}

func newStage(t *testing.T, o stageOptions) *stage {
	t.Helper()
	cfg := stageConfig(t)
	ln := o.listener
	if ln == nil {
		ln = listen(t)
	}
	cfg.Listen = ln.Addr().String()
	if o.config != nil {
		o.config(&cfg)
	}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	log := zerolog.New(zerolog.NewTestWriter(t)).Level(zerolog.WarnLevel)
	if o.log != nil {
		log = *o.log
	}
	deps := Deps{Now: o.now, Logger: log}
	if o.deps != nil {
		o.deps(&deps)
	}
	l, err := New(cfg, deps)
	if err != nil {
		t.Fatal(err)
	}
	c := &stage{t: t, lb: l, url: "http://" + ln.Addr().String(), client: &http.Client{
		Transport: &http.Transport{}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	server := l.Front(l.Handler(), l.Relays)
	c.admin = httptest.NewServer(l.Admin())
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan error, 2)
	go func() { over <- l.Run(ctx) }()
	go func() { over <- server.Serve(ln) }()
	var once sync.Once
	c.stop = func() {
		once.Do(func() {
			c.client.CloseIdleConnections()
			l.leave()
			c.admin.Close()
			_ = server.Close()
			cancel()
			for range 2 {
				if err := <-over; err != nil && !errors.Is(err, http.ErrServerClosed) {
					t.Error(err)
				}
			}
		})
	}
	t.Cleanup(c.stop)
	c.awaitKeys()
	for i := range o.edges {
		c.addEdge(fmt.Sprintf("edge-%d", i+1), max(o.capacity, 1))
	}
	return c
}

// awaitKeys waits for the first keys, which the leader makes; a balancer that is to
// join another one gets them there.
func (c *stage) awaitKeys() {
	c.t.Helper()
	limit := time.After(10 * time.Second)
	for c.lb.cfg.Join == "" && len(c.lb.cfg.Peers) < 2 {
		changed := c.lb.Keys().Changed()
		if keys := c.lb.Keys().Keys(); len(keys.Tokens.Keys) > 0 && len(keys.Datagrams.Keys) > 0 {
			return
		}
		select {
		case <-changed:
		case <-limit:
			c.t.Fatal("no keys")
		}
	}
}

// stageConfig has every default, and nothing that a test waits for.
func stageConfig(t *testing.T) Config {
	var cfg Config
	cfg.Settings()
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte(stageSecret), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg.SecretFile, cfg.Data = secret, filepath.Join(dir, "raft")
	cfg.SilentFor, cfg.PingTimeout = time.Minute, 2*time.Second
	cfg.raft.Heartbeat, cfg.raft.Election, cfg.raft.Lease = 60*time.Millisecond, 60*time.Millisecond, 50*time.Millisecond
	return cfg
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

func (c *stage) addEdge(name string, capacity int) *member {
	c.t.Helper()
	return c.addEdgeIn(name, "", capacity)
}

func (c *stage) addEdgeIn(name, zone string, capacity int) *member {
	c.t.Helper()
	m := &member{
		t: c.t, lb: c.lb, tables: map[wire.PairID]*ring.Table{}, asked: map[string]int{}, inside: map[string]int{},
		edge: wire.Edge{Name: name, Zone: zone, Capacity: capacity, Incarnation: 1},
	}
	m.Server = httptest.NewServer(m)
	c.t.Cleanup(func() { m.CloseClientConnections(); m.Close() })
	m.edge.HTTP, m.edge.Admin = m.URL, m.URL
	c.members = append(c.members, m)
	var answer wire.RegisterAnswer
	c.node(http.MethodPost, wire.PathRegister, wire.Register{Edge: m.edge}, http.StatusOK, &answer)
	if _, ok := answer.Placement.Index().Edge(name); !ok {
		c.t.Fatalf("%s registered and is not in the placement", name)
	}
	c.report(m)
	return m
}

func (c *stage) member(name string) *member {
	c.t.Helper()
	for _, m := range c.members {
		if m.edge.Name == name {
			return m
		}
	}
	c.t.Fatalf("no edge is called %q", name)
	return nil
}

// mirror lets both members of each pair know of all its sessions, as notices do.
func (c *stage) mirror() {
	p := c.lb.Placement()
	for i := range p.Pairs {
		q := &p.Pairs[i]
		low, high := c.member(q.Low), c.member(q.High)
		var runs []wire.Run
		for _, m := range []*member{low, high} {
			m.locked(func() { runs = append(runs, m.table(q).Runs()...) })
		}
		for _, m := range []*member{low, high} {
			m.locked(func() {
				for _, r := range runs {
					for slot := r.From; slot < r.To; slot++ {
						m.table(q).Set(slot)
					}
				}
			})
		}
	}
}

// report brings a member's report to the balancer.
func (c *stage) report(m *member) {
	c.t.Helper()
	c.node(http.MethodPost, wire.PathReport, m.report(), http.StatusOK, &wire.ReportAnswer{})
}

// node asks as a node of the cluster does.
func (c *stage) node(method, path string, body any, status int, into any) []byte {
	c.t.Helper()
	return c.ask(method, c.url+path, body, status, into, wire.HeaderAuth, c.lb.cfg.Secret.Bearer())
}

// api asks as an operator does.
func (c *stage) api(method, path string, body any, status int, into any) []byte {
	c.t.Helper()
	return c.ask(method, c.admin.URL+api.Prefix+path, body, status, into)
}

func (c *stage) ask(method, url string, body any, status int, into any, header ...string) []byte {
	c.t.Helper()
	var send io.Reader
	if text, ok := body.(string); ok {
		send = strings.NewReader(text)
	} else if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			c.t.Fatal(err)
		}
		send = bytes.NewReader(text)
	}
	resp, text := c.request(c.client, method, url, send, header...)
	if resp.StatusCode != status {
		c.t.Fatalf("%s %s: %s %s, want %d", method, url, resp.Status, text, status)
	}
	if into != nil {
		d := json.NewDecoder(bytes.NewReader(text))
		d.DisallowUnknownFields()
		if err := d.Decode(into); err != nil {
			c.t.Fatalf("%s %s: %v in %s", method, url, err, text)
		}
	}
	return text
}

func (c *stage) request(client *http.Client, method, url string, body io.Reader, header ...string) (*http.Response, []byte) {
	c.t.Helper()
	req, err := http.NewRequest(method, url, body)
	if err != nil {
		c.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := client.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return resp, text
}

// viewer asks on a connection of its own, unless it is given one.
func (c *stage) viewer(client *http.Client, path string, header ...string) (*http.Response, []byte) {
	c.t.Helper()
	if client == nil {
		client = c.person()
		defer client.CloseIdleConnections()
	}
	return c.request(client, http.MethodGet, c.url+path, nil, header...)
}

// person is one viewer's player, with its own connections.
func (c *stage) person() *http.Client {
	client := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1}, CheckRedirect: c.client.CheckRedirect}
	c.t.Cleanup(client.CloseIdleConnections)
	return client
}

// sessionAt is the token of a Location.
func (c *stage) sessionAt(resp *http.Response) (wire.Token, string) {
	c.t.Helper()
	at := resp.Header.Get("Location")
	text, path, ok := wire.SplitPath(strings.SplitN(at, "?", 2)[0])
	if resp.StatusCode != http.StatusFound || !ok {
		c.t.Fatalf("%s to %q, want a session", resp.Status, at)
	}
	token, err := c.lb.Keys().Verify(text, time.Now())
	if err != nil {
		c.t.Fatal(err)
	}
	return token, path
}

// opened counts the slots that edges have given.
func (c *stage) opened() int {
	n := 0
	for _, m := range c.members {
		m.locked(func() { n += m.opened })
	}
	return n
}

func (c *stage) state(edge string) wire.EdgeState {
	e, _ := c.lb.Placement().Edge(edge)
	return e.State
}

// propose makes a command true, as the test's own doing.
func (c *stage) propose(command placement.Command) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if _, err := c.lb.control.Proposals.Propose(ctx, command); err != nil {
		c.t.Fatal(err)
	}
}

// until waits for a condition that a loop brings about.
func until(t *testing.T, what string, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		if f() {
			return
		}
	}
	t.Fatalf("never: %s", what)
}
