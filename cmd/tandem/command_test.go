package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tandem/internal/setting"
	"tandem/internal/wire"
)

func TestEveryCommandHelps(t *testing.T) {
	for _, c := range commands() {
		var out, errs bytes.Buffer
		if code := dispatch(context.Background(), []string{c.name, "--help"}, &out, &errs); code != 0 || errs.Len() > 0 {
			t.Errorf("tandem %s --help: exit %d, %s", c.name, code, errs.String())
		}
		if !strings.HasPrefix(out.String(), "tandem "+c.name+": ") {
			t.Errorf("tandem %s --help says %q", c.name, out.String())
		}
		if len(out.String()) > 0 && c.summary == "" {
			t.Errorf("tandem %s has no summary", c.name)
		}
		if words := strings.Join(strings.Fields(out.String()), " "); c.name == "lb" && !strings.Contains(words, "none: it is the only one. (parted by commas)") {
			t.Errorf("tandem lb --help does not say what parts the peers: %s", words)
		}
		narrow(t, out.String())
	}
}

// What is first is the verdict of the balancer, as the page shows it, and no line of
// it is wider than a terminal.
func TestStatusBeginsWithTheVerdict(t *testing.T) {
	s := wire.Status{Sessions: 1, Verdict: wire.Verdict{
		Level: wire.Bad, Text: "edge-1 is down: its 12 viewers are on edge-2 and edge-4", More: "3 edges up, 1 session. The next failure is survived.",
		Next: "Bring edge-1 back: it copies what it lacks by itself. If it is gone for good: tandem remove edge-1.",
	}}
	for i := range 4 {
		s.Edges = append(s.Edges, wire.EdgeStatus{Name: fmt.Sprintf("edge-%d", i+1), State: wire.EdgeUp, Capacity: 1000, Limit: 750, Margin: 250, Delivering: 500, StoreBytes: 12e9, Traffic: wire.Traffic{SentBytes: 130e9, Hits: 9, OriginAsked: 120000}})
		s.Pairs = append(s.Pairs, wire.PairStatus{ID: wire.PairID(i + 1), Low: "edge-1", High: "edge-2", Slots: 1000, Boundary: 0, Home: 500, LowDelivering: 100, HighDelivering: 200, Streams: 1000})
	}
	s.Edges[0].State, s.Edges[2].Note = wire.EdgeDown, "no answer from http://origin:8090; its clock is 1m0s ahead; max-connections is reached, further clients are reset"
	s.Pairs[2].Note = "adopted by edge-3 and edge-4"
	s.Balancers = []wire.BalancerInfo{{Balancer: wire.Balancer{Name: "lb-1", HTTP: "http://10.91.0.2:80", Admin: "http://10.91.0.2:9080"}, Note: "its placement is older than the others', and has not been changed for a minute"}}
	var out bytes.Buffer
	printStatus(&out, &s, false)
	want := "edge-1 is down: its 12 viewers are on edge-2 and edge-4\n" +
		"3 edges up, 1 session. The next failure is survived.\n" +
		"Bring edge-1 back: it copies what it lacks by itself. If it is gone for good:\ntandem remove edge-1.\n\n1 session on 0 streams"
	if !strings.HasPrefix(out.String(), want) {
		t.Errorf("%s", out.String())
	}
	narrow(t, out.String())
	for _, words := range []string{"\nlb-1: its placement is older", "\nedge-3: no answer from http://origin:8090; its clock", "\npair 3: adopted by edge-3 and edge-4\n"} {
		if !strings.Contains(out.String(), words) {
			t.Errorf("%q is not there:\n%s", words, out.String())
		}
	}
	s.Verdict.Text = strings.Repeat("edge-1 is down; ", 6)
	if lines := strings.Split(judged(s.Verdict, false), "\n"); len(lines[0]) > 80 {
		t.Errorf("%q", lines[0])
	}
	s.Verdict.Text = "edge-1 is down"
	if out.Reset(); true {
		printStatus(&out, &s, true)
	}
	if !strings.HasPrefix(out.String(), red("edge-1 is down")+"\n") {
		t.Errorf("%q", out.String())
	}
}

// With zones, long stores and everything special that an edge can be no line of the edges
// is wider than a terminal.
func TestEdgesFitIn80Columns(t *testing.T) {
	full := wire.EdgeStatus{Zone: "frankfurt-1", State: wire.EdgeRecovering, Capacity: 100_000, Limit: 75_000, Margin: -25_000, Delivering: 50_000, StoreBytes: 999e9, Traffic: wire.Traffic{SentBytes: 999e9, Hits: 1, OriginAsked: 1_200_000_000}}
	var edges []wire.EdgeStatus
	for i, change := range []func(e *wire.EdgeStatus){
		func(*wire.EdgeStatus) {},
		func(e *wire.EdgeStatus) {
			e.Note = "recovery: edge-frankfurt-1 and edge-frankfurt-2 give no inventory: connection refused by both of them"
		},
		func(e *wire.EdgeStatus) {
			e.Note, e.Recovery = "states 100000: tandem accept edge-frankfurt-3", &wire.Recovery{Bytes: 1e6, BytesTotal: 3e6}
		},
	} {
		e := full
		e.Name = fmt.Sprintf("edge-frankfurt-%d", i+1)
		change(&e)
		edges = append(edges, e)
	}
	var out bytes.Buffer
	printEdges(&out, edges, false)
	narrow(t, out.String())
	for _, words := range []string{"999.0 GB", "-25000", "edge-frankfurt-2: recovery: edge-frankfurt-1 and", "edge-frankfurt-3: states 100000: tandem accept edge-frankfurt-3; copied 1.0 MB\nof 3.0 MB\n"} {
		if !strings.Contains(out.String(), words) {
			t.Errorf("%q is not there:\n%s", words, out.String())
		}
	}
}

func TestStatusNamesZonesAndWhoWaits(t *testing.T) {
	s := wire.Status{
		Majority: true,
		Edges: []wire.EdgeStatus{
			{Name: "edge-1", Zone: "rack-1", State: wire.EdgeUp, Note: "states 500: tandem accept edge-1"},
			{Name: "edge-2", State: wire.EdgePending, Note: "tandem accept edge-2"},
		},
		Pairs: []wire.PairStatus{{ID: 1, Low: "edge-1", High: "edge-3", Note: "both in one zone"}},
		Zones: []wire.ZoneLoss{{Zone: "rack-1", Edges: []string{"edge-1", "edge-3"}, Lost: 4, Given: 2, Margin: -4}, {Zone: "rack-2", Edges: []string{"edge-4"}, Margin: 3}},
	}
	for i := range 32 {
		s.Zones[1].Edges = append(s.Zones[1].Edges, fmt.Sprintf("edge-%d", i+5))
	}
	s.Balancers = []wire.BalancerInfo{{Balancer: wire.Balancer{Name: "lb-1", HTTP: "https://balancer-1.frankfurt.example.com:8443", Admin: "https://balancer-1.frankfurt.example.com:9080"}, Alive: true, Voter: true}}
	var out bytes.Buffer
	printStatus(&out, &s, false)
	for _, want := range []string{
		"states 500: tandem accept edge-1", "tandem accept edge-2",
		"both in one zone", "rack-1  edge-1 edge-3", "not survived\n", "  survived\n", "rack-2  edge-4 edge-5 and 31 more", "https://balancer-1.frankfurt.example.com:9080\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	narrow(t, out.String())
}

func TestAPreviewSaysWhatAnOrderCosts(t *testing.T) {
	for want, p := range map[string]wire.Preview{
		"remove of edge-3 moves 1 session\nthe fullest edge is then edge-2, 7 of 8\n" +
			"the next death is then survived: N-1 margin 1 (now 3)\nthe cluster then admits 18 sessions (now 24)\n": {
			Edge: "edge-3", Order: "remove", Moves: 1, Peak: "edge-2", PeakLoad: 7, PeakCap: 8, Margin: 1, MarginNow: 3, Limit: 18, LimitNow: 24,
		},
		"drain of edge-3 moves 9 sessions\n4 sessions would lose their edge; --force does it all the same\nthe fullest edge is then edge-2, 8 of 8\n" +
			"the next death is then not survived: N-1 margin -5 (now 0)\nthe cluster then admits 18 sessions (now 24)\n": {
			Edge: "edge-3", Order: "drain", Moves: 9, Excess: 4, Peak: "edge-2", PeakLoad: 8, PeakCap: 8, Margin: -5, Limit: 18, LimitNow: 24,
		},
	} {
		var out bytes.Buffer
		if printPreview(&out, &p); out.String() != want {
			t.Errorf("%q, want %q", out.String(), want)
		}
		narrow(t, out.String())
	}
}

func TestFlagsMayStandBehindArguments(t *testing.T) {
	var flag bool
	var text string
	rows := []setting.Row{setting.Bool(&flag, "json", false, ""), setting.String(&text, "admin", "", "")}
	for _, row := range []struct{ given, want string }{
		{"edge-2 --admin URL", "--admin URL -- edge-2"},
		{"edge-2 --json edge-3", "--json -- edge-2 edge-3"},
		{"--admin=URL edge-2", "--admin=URL -- edge-2"},
		{"-admin URL -- --odd-name", "-admin URL -- --odd-name"},
		{"-", "-- -"},
	} {
		if got := strings.Join(flagsFirst(rows, strings.Fields(row.given)), " "); got != row.want {
			t.Errorf("%q becomes %q, want %q", row.given, got, row.want)
		}
	}
}

func TestPurgeWantsOneThing(t *testing.T) {
	for _, row := range []struct {
		args   []string
		prefix string
		tag    string
		all    bool
		want   wire.Purge
		ok     bool
	}{
		{[]string{"http://h/film/a.m3u8?x=%2F"}, "", "", false, wire.Purge{Prefix: "/film/a.m3u8?x=%2F", Exact: true}, true},
		{nil, "", "film-7", false, wire.Purge{Tag: "film-7"}, true},
		{nil, "", "two tags", false, wire.Purge{}, false},
		{nil, "/film/", "film-7", false, wire.Purge{}, false},
		{[]string{"http://h/film/a.m3u8"}, "", "", false, wire.Purge{Prefix: "/film/a.m3u8", Exact: true}, true},
		{[]string{"http://h/s/" + strings.Repeat("T", wire.TokenLength) + "/film/a.m3u8"}, "", "", false, wire.Purge{Prefix: "/film/a.m3u8", Exact: true}, true},
		{nil, "/film/", "", false, wire.Purge{Prefix: "/film/"}, true},
		{nil, "", "", true, wire.Purge{Prefix: "/"}, true},
		{nil, "", "", false, wire.Purge{}, false},
		{[]string{"http://h/x"}, "/film/", "", false, wire.Purge{}, false},
		{nil, "film/", "", false, wire.Purge{}, false},
	} {
		got, err := purgeOf(row.args, row.prefix, row.tag, row.all)
		if (err == nil) != row.ok || row.ok && got != row.want {
			t.Errorf("purge %v %q %t: %v, %v", row.args, row.prefix, row.all, got, err)
		}
	}
}

func TestUpstreamsFileIsCheckedBeforeItIsSent(t *testing.T) {
	file := filepath.Join(t.TempDir(), "upstreams.yaml")
	var sent [][]byte
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		if r.Method == http.MethodPut {
			sent = append(sent, text)
		}
		_, _ = w.Write(sent[len(sent)-1])
	}))
	defer api.Close()
	say := func(args ...string) (int, string) {
		var out, errs bytes.Buffer
		code := dispatch(context.Background(), append([]string{"upstreams", "--admin", api.URL}, args...), &out, &errs)
		return code, out.String() + errs.String()
	}
	for text, want := range map[string]string{
		"- prefix: news\n  servers: [{url: http://a}]":            "slash at both ends",
		"- prefix: /a/\n  servers: [{url: http://a}]\n  polcy: x": "polcy",
		"": "has no row",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if code, said := say("set", file); code != 2 || !strings.Contains(said, want) || strings.Count(said, "\n") != 1 {
			t.Errorf("%q: %d, %s", text, code, said)
		}
	}
	if code, said := say("sat", file); code != 2 || !strings.Contains(said, "want nothing, set FILE, or clear") {
		t.Error(code, said)
	}
	if len(sent) != 0 {
		t.Fatalf("sent: %s", sent)
	}
	text := "- prefix: /news/\n  servers: [{url: http://a}, {url: http://b, backup: true}]\n  tls-name: inner\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, said := say("set", file); code != 0 || !strings.Contains(said, "http://a http://b (backup)") {
		t.Error(code, said)
	}
	if code, said := say(); code != 0 || !strings.Contains(said, "/news/") {
		t.Error(code, said)
	}
	if len(sent) != 1 || !strings.Contains(string(sent[0]), `"tls_name":"inner"`) {
		t.Errorf("sent: %s", sent)
	}
	if code, said := say("clear"); code != 0 || !strings.Contains(said, "no upstreams") || string(sent[len(sent)-1]) != "[]" {
		t.Error(code, said, string(sent[len(sent)-1]))
	}
}

// Where one balancer is left, what it says counts, and not that the others are dead.
func TestTheOneThatAnswersSaysWhyAnOrderCannotBe(t *testing.T) {
	alone := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, `{"error":"no majority of the balancers","reason":"no_quorum"}`)
	}))
	defer alone.Close()
	dead := httptest.NewServer(nil)
	dead.Close()
	for _, admins := range []string{alone.URL + "," + dead.URL, dead.URL + "," + alone.URL + "/", strings.TrimPrefix(alone.URL, "http://")} {
		c := &client{admin: admins}
		if err := c.call(t.Context(), http.MethodPost, "/api/v1/edges/edge-1/drain", nil, nil); err == nil || err.Error() != "no majority of the balancers" {
			t.Errorf("%s: %v", admins, err)
		}
	}
}

func TestRevokedNameThatNobodyHasIsTold(t *testing.T) {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"version":7,"edges":[{"name":"edge-1"}],"balancers":[{"name":"lb-1"}]}`)
	}))
	defer api.Close()
	for name, told := range map[string]bool{"edge-1": false, "lb-1": false, "egde-1": true} {
		var out, errs bytes.Buffer
		code := dispatch(context.Background(), []string{"revoke", "--admin", api.URL, name}, &out, &errs)
		if said := out.String(); code != 0 || !strings.Contains(said, name+" is shut out\n") || strings.Contains(said, "no edge and no balancer is called "+name) != told || slices.ContainsFunc(strings.Split(said, "\n"), func(line string) bool { return len(line) > setting.Columns }) {
			t.Errorf("%s: %d %s%s", name, code, said, errs.String())
		}
	}
}

func TestTablesAreAligned(t *testing.T) {
	tab := newTable("NAME", ">COUNT", "")
	tab.add("edge-1", 7, "x")
	tab.add("é", 1234, "")
	var out bytes.Buffer
	tab.print(&out)
	want := "NAME    COUNT\nedge-1      7  x\né        1234\n"
	if out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}

// The generated pages are those of the code: `make docs` writes them.
func TestTheGeneratedPagesAreFresh(t *testing.T) {
	for name, page := range pages() {
		want, err := page()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, err := os.ReadFile(filepath.Join("../../docs", name))
		if err != nil || string(got) != want {
			t.Errorf("docs/%s is stale (%v); run make docs", name, err)
		}
	}
}

// A secret that others can read, or guess, is refused by every role, with the mend.
func TestALooseOrWeakSecretIsRefused(t *testing.T) {
	dir := t.TempDir()
	for _, row := range []struct {
		name, text string
		mode       os.FileMode
		says       string
	}{
		{"loose", "a secret that is long enough", 0o644, "chmod 600"},
		{"weak", "aaaaaaaaaaaaaaaaaaaaaaaa", 0o600, "guessed"},
	} {
		path := filepath.Join(dir, row.name)
		if err := errors.Join(os.WriteFile(path, []byte(row.text), 0o600), os.Chmod(path, row.mode)); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{
			{"origin", "--sample", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"},
			{"edge", "--origin", "http://127.0.0.1:1", "--data", filepath.Join(dir, "edge"), "--balancers", "http://127.0.0.1:1"},
			{"lb", "--data", filepath.Join(dir, "lb")},
		} {
			var out bytes.Buffer
			if code := dispatch(t.Context(), append(args, "--secret-file", path), &out, &out); code == 0 || !strings.Contains(out.String(), row.says) || strings.Contains(out.String(), row.text) {
				t.Errorf("%s with a %s secret: %d, %s", args[0], row.name, code, out.String())
			}
		}
	}
}

// What `config print` writes is a file that `config check` takes.
func TestAPrintedConfigurationIsAGoodOne(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte("a secret that is long enough"), 0o600); err != nil {
		t.Fatal(err)
	}
	needs := map[string]string{"origin": "sample", "edge": "origin data", "lb": "data secret-file", "node": "origin data secret-file"}
	values := map[string]string{"sample": "true", "origin": "http://127.0.0.1:1", "data": filepath.Join(dir, "data"), "secret-file": secret}
	for _, role := range []string{"origin", "edge", "lb", "node"} {
		var out bytes.Buffer
		if code := dispatch(context.Background(), []string{"config", "print", role}, &out, &out); code != 0 {
			t.Fatalf("config print %s: %s", role, out.String())
		}
		var lines []string
		for line := range strings.Lines(out.String()) {
			name, _, _ := strings.Cut(line, ":")
			if slices.Contains(strings.Fields(needs[role]), name) {
				line = name + ": " + values[name] + "\n"
			}
			lines = append(lines, line)
		}
		file := filepath.Join(dir, role+".yml")
		if err := os.WriteFile(file, []byte(strings.Join(lines, "")), 0o600); err != nil {
			t.Fatal(err)
		}
		out.Reset()
		if code := dispatch(context.Background(), []string{"config", "check", role, file}, &out, &out); code != 0 {
			t.Errorf("config check %s: %s", role, out.String())
		}
	}
}
