package lb

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"tandem/internal/call"
	"tandem/internal/ring"
	"tandem/internal/wire"
	"tandem/lb/admission"
	"tandem/lb/api"
	"tandem/lb/proxy"
	"tandem/raftfsm/placement"
)

func TestEveryAnswerHasTheShapeThatIsPromised(t *testing.T) {
	c := newStage(t, stageOptions{edges: 3, capacity: 8, config: func(c *Config) { c.Choose = ring.ChooseFirst }}) // both viewers go to one edge
	for range 2 {
		resp, _ := c.viewer(nil, entryPath)
		c.sessionAt(resp)
	}
	c.members[1].locked(func() { c.members[1].streams = []string{"/film/", "/old/"} })
	for _, m := range c.members {
		c.report(m)
	}
	until(t, "this balancer is known", func() bool { return len(c.lb.Placement().Balancers) == 1 })
	var s wire.Status
	c.api(http.MethodGet, "/status", nil, http.StatusOK, &s)
	if s.Node != "lb-1" || s.Leader != "lb-1" || s.Admission != ring.FailSafeAdmission || s.Policy != admission.StatePush || s.Sessions != 2 || s.Streams != 1 ||
		len(s.Edges) != 3 || len(s.Pairs) != 3 || len(s.Balancers) != 1 || !s.Balancers[0].Leader || !s.Balancers[0].Voter || !s.Balancers[0].Alive {
		t.Fatalf("%+v", s)
	}
	if e := s.Edges[0]; e.State != wire.EdgeUp || e.Limit != 5 || e.ReportAge < 0 || e.Delivering != 2 || e.Capacity != 8 {
		t.Fatalf("%+v", e)
	}
	if q := s.Pairs[0]; q.LowDelivering != 2 || q.HighDelivering != 0 || len(q.Taken) != 1 || q.Streams != 1 {
		t.Fatalf("%+v", q)
	}
	var edges []wire.EdgeStatus
	c.api(http.MethodGet, "/edges", nil, http.StatusOK, &edges)
	var pairs []wire.PairStatus
	c.api(http.MethodGet, "/pairs", nil, http.StatusOK, &pairs)
	var streams []wire.StreamStatus
	c.api(http.MethodGet, "/streams", nil, http.StatusOK, &streams)
	var receipts []wire.Receipt
	c.api(http.MethodGet, "/receipts", nil, http.StatusOK, &receipts)
	var history []wire.Event
	c.api(http.MethodGet, "/history?limit=2", nil, http.StatusOK, &history)
	if len(edges) != 3 || len(pairs) != 3 || len(streams) != 1 || len(streams[0].Edges) != 2 || receipts == nil || len(history) != 2 || history[0].Time < history[1].Time {
		t.Fatalf("%d edges, %d pairs, %+v, %v, %+v", len(edges), len(pairs), streams, receipts, history)
	}
	if stored := streams[0].Stored; !slices.Equal(stored, []string{c.members[1].edge.Name}) {
		t.Errorf("stored at %v, whatever the placement wishes", stored)
	}
	var p wire.Preview
	c.api(http.MethodGet, "/edges/edge-1/drain", nil, http.StatusOK, &p)
	if p.Edge != "edge-1" || p.Moves != 2 || p.Excess != 0 {
		t.Fatalf("%+v", p)
	}
}

func TestOpenAPIDescribesEveryRoute(t *testing.T) {
	c := newStage(t, stageOptions{})
	var doc struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	if err := json.Unmarshal(c.api(http.MethodGet, "/openapi.json", nil, http.StatusOK, nil), &doc); err != nil {
		t.Fatal(err)
	}
	described := 0
	for _, methods := range doc.Paths {
		described += len(methods)
	}
	routes := 0
	err := chi.Walk(c.lb.Admin().(chi.Routes), func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		path, ok := strings.CutPrefix(route, api.Prefix)
		if !ok {
			return nil
		}
		routes++
		if doc.Paths[path][strings.ToLower(method)] == nil {
			t.Errorf("%s %s is not described", method, path)
		}
		return nil
	})
	if err != nil || routes != described || routes == 0 {
		t.Fatalf("%d routes, %d described, %v", routes, described, err)
	}
}

// TestAnOrderThatChangesNothingSaysSo: one that is given twice, or to the wrong edge.
func TestAnOrderThatChangesNothingSaysSo(t *testing.T) {
	c := newStage(t, stageOptions{edges: 2, capacity: 8})
	until(t, "this balancer is known", func() bool { return len(c.lb.Placement().Balancers) == 1 })
	for _, o := range []struct {
		order string
		then  wire.EdgeState
	}{{"drain", wire.EdgeDraining}, {"resume", wire.EdgeUp}} {
		for again := range 2 {
			var done struct {
				Version uint64
				Already wire.EdgeState
			}
			c.api(http.MethodPost, "/edges/edge-1/"+o.order, nil, http.StatusOK, &done)
			if c.state("edge-1") != o.then || (done.Already == o.then) != (again == 1) {
				t.Fatalf("%s: %s, already %q", o.order, c.state("edge-1"), done.Already)
			}
		}
	}
}

func TestOrdersAreCarriedOutOrRefusedInOneLine(t *testing.T) {
	c := newStage(t, stageOptions{edges: 2, capacity: 8})
	until(t, "this balancer is known", func() bool { return len(c.lb.Placement().Balancers) == 1 })
	c.api(http.MethodPost, "/edges/edge-1/drain", nil, http.StatusOK, nil)
	if c.state("edge-1") != wire.EdgeDraining {
		t.Fatal(c.state("edge-1"))
	}
	c.api(http.MethodPost, "/edges/edge-1/resume", nil, http.StatusOK, nil)
	if c.state("edge-1") != wire.EdgeUp {
		t.Fatal(c.state("edge-1"))
	}
	c.api(http.MethodPost, "/edges/edge-2/drain", nil, http.StatusOK, nil)
	c.api(http.MethodPost, "/admission", map[string]string{"admission": "pair"}, http.StatusOK, nil)
	if c.lb.Placement().Admission != ring.PairAdmission {
		t.Fatal(c.lb.Placement().Admission)
	}
	for _, bad := range []struct {
		method, path string
		body         any
		status       int
	}{
		{http.MethodPost, "/edges/edge-9/drain", nil, http.StatusNotFound},
		{http.MethodGet, "/edges/edge-9/drain", nil, http.StatusNotFound},
		{http.MethodPost, "/edges/edge-9/remove", nil, http.StatusNotFound},
		{http.MethodPost, "/edges/edge-1/drain", nil, http.StatusConflict}, // the last one that delivers
		{http.MethodPost, "/admission", map[string]string{"admission": "most"}, http.StatusBadRequest},
		{http.MethodPost, "/admission", `{"admision":"pair"}`, http.StatusBadRequest},
		{http.MethodPost, "/admission", "", http.StatusBadRequest},
		{http.MethodPost, "/purge", wire.Purge{Prefix: "film"}, http.StatusBadRequest},
		{http.MethodPut, "/upstreams", `[{"prefix":"/a/","servers":[{"url":"http://a"}],"polcy":"first"}]`, http.StatusBadRequest},
		{http.MethodPut, "/upstreams", `[{"prefix":"/a/","servers":[{"url":"http://a"}],"next_after":"5"}]`, http.StatusBadRequest},
		{http.MethodPut, "/upstreams", `[{"prefix":"/a/","servers":[]}]`, http.StatusBadRequest},
		{http.MethodPost, "/keys/streams/rotate", nil, http.StatusNotFound},
		{http.MethodDelete, "/keys/tokens/99", nil, http.StatusNotFound},
		{http.MethodDelete, "/keys/tokens/1", nil, http.StatusConflict}, // the one that seals
		{http.MethodPost, "/purge", `{"prefix":"/","all":true}`, http.StatusBadRequest},
		{http.MethodGet, "/sessions?limit=-1", nil, http.StatusBadRequest},
		{http.MethodGet, "/sessions?limit=many", nil, http.StatusBadRequest},
		{http.MethodDelete, "/sessions/1-2", nil, http.StatusBadRequest},
		{http.MethodDelete, "/sessions/1-2-x", nil, http.StatusBadRequest},
		{http.MethodDelete, "/sessions/99-1-1", nil, http.StatusNotFound},
		{http.MethodDelete, "/balancers/lb-9", nil, http.StatusNotFound},
		{http.MethodDelete, "/balancers/lb-1", nil, http.StatusConflict},
		{http.MethodPost, "/nodes/lb-1/revoke", nil, http.StatusConflict}, // it would not hear what has become of it
		{http.MethodGet, "/nonsense", nil, http.StatusNotFound},
		{http.MethodPut, "/status", nil, http.StatusMethodNotAllowed},
	} {
		text := c.api(bad.method, bad.path, bad.body, bad.status, nil)
		var said call.Problem
		if err := json.Unmarshal(text, &said); err != nil || said.Error == "" || said.Reason == "" || strings.Contains(said.Error, "\n") {
			t.Errorf("%s %s: %s", bad.method, bad.path, text)
		}
	}
	resp, _ := c.request(c.client, http.MethodPost, c.admin.URL+api.Prefix+"/edges/edge-1/drain", nil, "Sec-Fetch-Site", "cross-site")
	if resp.StatusCode != http.StatusForbidden {
		t.Fatalf("another site's page: %s", resp.Status)
	}
}

// Upstreams that are set are in the placement as they were given, and are shown
// without what is secret; so shown they are not taken back.
func TestUpstreamsAreSetForTheClusterAndShownWithoutSecrets(t *testing.T) {
	c := newStage(t, stageOptions{})
	given := `[{"prefix":"/news/","servers":[{"url":"http://u:s3cret@a/base"},{"url":"http://b","backup":true}],"next_after":"1s","request_fields":{"X-Key":"s3cret"}}]`
	said := c.api(http.MethodPut, "/upstreams", given, http.StatusOK, nil)
	p := c.lb.Placement().Upstreams
	if len(p) != 1 || p[0].Servers[0].URL != "http://u:s3cret@a/base" || p[0].Fields["X-Key"] != "s3cret" || p[0].Next.Or(0) != time.Second {
		t.Fatalf("%+v", p)
	}
	var shown []wire.Upstream
	text := c.api(http.MethodGet, "/upstreams", nil, http.StatusOK, &shown)
	if !bytes.Equal(said, text) || strings.Contains(string(text), "s3cret") || len(shown) != 1 || !shown[0].Servers[1].Backup || len(shown[0].Fields) != 1 {
		t.Fatalf("%s\n%s", said, text)
	}
	for _, secret := range []string{`"request_fields":{"X-Key":"..."}`, `"key":"...","certificate":"c.pem"`, `"policy":"first"`} {
		url := "http://a"
		if strings.Contains(secret, "policy") {
			url = "http://u:xxxxx@a"
		}
		again := c.api(http.MethodPut, "/upstreams", `[{"prefix":"/news/","servers":[{"url":"`+url+`"}],`+secret+`}]`, http.StatusBadRequest, nil)
		if !strings.Contains(string(again), "is not shown by this API") {
			t.Errorf("%s: %s", secret, again)
		}
	}
	c.api(http.MethodPut, "/upstreams", "[]", http.StatusOK, &shown)
	if len(shown) != 0 || len(c.lb.Placement().Upstreams) != 0 {
		t.Fatalf("%+v", shown)
	}
}

func TestPurgeReachesEveryEdgeAndWaitsForThoseAway(t *testing.T) {
	c := newStage(t, stageOptions{edges: 3, capacity: 8})
	c.members[2].Close()
	c.lb.control.Checks.Failed("edge-3", proxy.CauseRefused)
	until(t, "declared dead", func() bool { return c.state("edge-3") == wire.EdgeDown })
	var answer wire.PurgeAnswer
	c.api(http.MethodPost, "/purge", wire.Purge{Prefix: "/film/"}, http.StatusOK, &answer)
	if answer.Removed["edge-1"] != 3 || answer.Removed["edge-2"] != 3 || len(answer.Failed) != 1 || answer.Failed[0] != "edge-3" {
		t.Fatalf("%+v", answer)
	}
	p := c.lb.Placement().Purges
	if len(p) != 1 || p[0].Seq != answer.Seq || p[0].Prefix != "/film/" {
		t.Fatalf("%+v", p)
	}
}

func TestSessionsAreListedOnceAndCanBeEnded(t *testing.T) {
	c := newStage(t, stageOptions{edges: 2, capacity: 8})
	q := c.lb.Placement().Pairs[0]
	both := wire.SessionInfo{SessionID: wire.SessionID{Pair: q.ID, Slot: 0, Generation: 5}, Stream: "/film/"}
	for _, m := range c.members { // while a boundary moves both can name it
		m.locked(func() {
			both.Edge = m.edge.Name
			m.sessions = append(m.sessions, both)
		})
	}
	high := c.members[1]
	high.locked(func() {
		high.sessions = append(high.sessions, wire.SessionInfo{SessionID: wire.SessionID{Pair: q.ID, Slot: 7, Generation: 6}, Stream: "/film/", Edge: high.edge.Name})
	})
	var list wire.SessionList
	c.api(http.MethodGet, "/sessions", nil, http.StatusOK, &list)
	if list.Total != 2 || len(list.Sessions) != 2 || list.Sessions[0].Edge != q.Low || list.Sessions[1].Slot != 7 {
		t.Fatalf("%+v", list)
	}
	c.api(http.MethodGet, "/sessions?limit=1", nil, http.StatusOK, &list)
	if len(list.Sessions) != 1 {
		t.Fatalf("%+v", list)
	}
	low := c.members[0]
	high.locked(func() { high.handsOver = true }) // by its placement low delivers it
	c.api(http.MethodDelete, "/sessions/1-7-6", nil, http.StatusNoContent, nil)
	if len(low.closed) != 1 || low.closed[0].Generation != 6 || len(high.closed) != 0 {
		t.Fatalf("%+v, %+v", low.closed, high.closed)
	}
	low.locked(func() { low.handsOver = true }) // and by its own, high does
	c.api(http.MethodDelete, "/sessions/1-7-6", nil, http.StatusServiceUnavailable, nil)
	high.locked(func() { high.handsOver = false })
	c.api(http.MethodDelete, "/sessions/1-7-6", nil, http.StatusNoContent, nil)
	if len(high.closed) != 1 || high.closed[0].Generation != 6 {
		t.Fatalf("%+v", high.closed)
	}
}

func TestEventsAreStreamedAsTheyHappen(t *testing.T) {
	c := newStage(t, stageOptions{edges: 2, capacity: 8})
	resp, err := c.person().Get(c.admin.URL + api.Prefix + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	next := func(kind string) (data string) {
		for lines.Scan() {
			if lines.Text() == "event: "+kind && lines.Scan() {
				return strings.TrimPrefix(lines.Text(), "data: ")
			}
		}
		t.Fatalf("the stream ended before %q: %v", kind, lines.Err())
		return ""
	}
	var s wire.Status
	if err := json.Unmarshal([]byte(next("status")), &s); err != nil || len(s.Edges) != 2 {
		t.Fatalf("%+v, %v", s, err)
	}
	c.propose(placement.Command{Kind: placement.Place, Stream: "/film/", Pair: 1})
	c.lb.moved(proxy.Takeover{From: "edge-1", To: "edge-2", OK: true, Phase: "body", Cause: proxy.CauseReset})
	var place, took wire.Event
	for range 20 {
		var e wire.Event
		if err := json.Unmarshal([]byte(next("event")), &e); err != nil {
			t.Fatal(err)
		}
		switch e.Kind {
		case "place":
			place = e
		case "takeover":
			took = e
		}
		if place.Stream == "/film/" && took.Edge == "edge-1" {
			return
		}
	}
	t.Fatalf("%+v, %+v", place, took)
}

func TestAdminSideServesTheDashboardHealthAndFigures(t *testing.T) {
	c := newStage(t, stageOptions{edges: 1, capacity: 8})
	resp, _ := c.viewer(nil, entryPath)
	c.sessionAt(resp)
	for path, want := range map[string]string{
		"/": "<html", "/livez": "ok", "/readyz": "ok", "/metrics": "tandem_lb_sessions_opened_total 1",
	} {
		resp, body := c.request(c.client, http.MethodGet, c.admin.URL+path, nil)
		if resp.StatusCode != http.StatusOK || !strings.Contains(strings.ToLower(string(body)), want) {
			t.Errorf("%s: %s %.200s", path, resp.Status, body)
		}
	}
}

// A demo's page gives orders for its nodes, which the balancer passes on; elsewhere
// nothing of the kind is there.
func TestADemosOrdersArePassedOnAndThereAreNoneElsewhere(t *testing.T) {
	asked := make(chan string, 4)
	demo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Method + " " + r.URL.Path
		if strings.HasSuffix(r.URL.Path, "/edge-9/kill") {
			http.Error(w, "there is no node edge-9", http.StatusConflict)
			return
		}
		_, _ = w.Write([]byte(`{"nodes":[]}`))
	}))
	defer demo.Close()
	c := newStage(t, stageOptions{config: func(cfg *Config) { cfg.DemoControl = demo.URL + "/secret" }})
	var s wire.Status
	if c.api(http.MethodGet, "/status", nil, http.StatusOK, &s); !s.Demo {
		t.Error("status does not say that this is a demo")
	}
	c.api(http.MethodGet, "/demo", nil, http.StatusOK, nil)
	c.api(http.MethodPost, "/demo/nodes/edge-1/kill", nil, http.StatusOK, nil)
	if body := c.api(http.MethodPost, "/demo/nodes/edge-9/kill", nil, http.StatusConflict, nil); !strings.Contains(string(body), "there is no node edge-9") {
		t.Errorf("%s", body)
	}
	for _, want := range []string{"GET /secret/", "POST /secret/nodes/edge-1/kill", "POST /secret/nodes/edge-9/kill"} {
		if got := <-asked; got != want {
			t.Errorf("the demo was asked %q, want %q", got, want)
		}
	}
	c = newStage(t, stageOptions{})
	s = wire.Status{}
	if c.api(http.MethodGet, "/status", nil, http.StatusOK, &s); s.Demo {
		t.Error("status says that this is a demo")
	}
	c.api(http.MethodPost, "/demo/nodes/edge-1/kill", nil, http.StatusNotFound, nil)
}
