package systest

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tandem/internal/cluster"
	"tandem/internal/fault"
	"tandem/internal/player"
	"tandem/internal/wire"
)

// Whatever the network before an edge does to its answers, viewers that never
// try again see nothing of it: every kind of the fault kit in turn, before the
// edge that delivers most. One kind can't be healed: a head that announces
// another length than the partner's copy has is another version, and two
// versions are never mixed; that response breaks where everybody can see it.
func TestEveryFaultOfTheKit(t *testing.T) {
	t.Parallel()
	h := start(t, "--fault-proxies")
	a := seat(t, h)
	a.watch(20, stored, player.Config{For: 10 * time.Minute, Speed: 2, Buffer: 12 * time.Second, Retries: 0})
	h.Await("everybody is in", 20*time.Second, sessions(20))
	for _, kind := range append([]fault.Kind{"reset"}, fault.Kinds...) {
		if kind == fault.Short {
			continue
		}
		went, deaths := struckFor(t, h, kind, 2*time.Second)
		// What follows a body is noticed when the connection is used again, and
		// then no response has begun.
		if went+deaths == 0 && kind != fault.Long {
			t.Errorf("%s: no response went on elsewhere and no edge was declared dead; it shows nothing", kind)
		}
	}
	h.Await("all edges deliver", 30*time.Second, cluster.AllUp)
	nothingSeen(t, a.report(false), 20, 200)

	otherLengths(t, h, a.digests)
}

// otherLengths lets every edge announce more than it has, for a second.
func otherLengths(t *testing.T, h *cluster.Harness, digests *player.Digests) {
	t.Helper()
	b := &audience{t: t, h: h, digests: digests}
	t.Cleanup(b.leave)
	var entered, fetched atomic.Int64
	b.watch(10, stored, player.Config{
		For: 10 * time.Minute, Speed: 2, Buffer: 12 * time.Second, RetryAfter: 300 * time.Millisecond, Retries: 10,
		Progress: func(r player.Report) {
			fetched.Add(1)
			if r.Segments == 1 {
				entered.Add(1)
			}
		},
	})
	h.Await("they watch", 20*time.Second, func(*wire.Status) bool { return entered.Load() == 10 })
	f := h.File()
	for _, name := range f.Names(cluster.RoleEdge) {
		faultOrder(t, h, name, string(fault.Short), http.StatusOK)
	}
	time.Sleep(time.Second)
	for _, name := range f.Names(cluster.RoleEdge) {
		faultOrder(t, h, name, string(fault.None), http.StatusOK)
	}
	enough := fetched.Load() + 20
	h.Await("they watch on", 20*time.Second, func(*wire.Status) bool { return fetched.Load() >= enough })
	if r := b.report(false); r.Wrong > 0 || r.GivenUp > 0 || r.Errors == 0 {
		t.Errorf("short: %s; want errors, which are tried again, and no wrong byte", r)
	}
}

// struckFor lets a fault strike for so long before the edge that delivers most,
// and tells how many responses went on elsewhere and how many edges were
// declared dead.
func struckFor(t *testing.T, h *cluster.Harness, kind fault.Kind, lasts time.Duration) (went, deaths int) {
	t.Helper()
	s := h.Await("all edges deliver", 30*time.Second, cluster.AllUp)
	name := busiest(s)
	took, dead := takenOver(t, h), receipts(t, h)
	// The byte lies within every segment, and behind the end of what nodes say to
	// each other: of most kinds the others notice nothing, which is the harder case.
	spec := string(kind) + "@1500"
	faultOrder(t, h, name, spec, http.StatusOK)
	time.Sleep(lasts) // for viewers to run into it
	state := faultLook(t, h, name)
	faultOrder(t, h, name, "none", http.StatusOK)
	went, deaths = takenOver(t, h)-took, receipts(t, h)-dead
	t.Logf("%s before %s: struck %d, %d responses went on elsewhere, %d deaths", spec, name, state.Struck, went, deaths)
	if state.Fault != spec || state.Struck == 0 {
		t.Errorf("%s before %s: %+v", spec, name, state)
	}
	return went, deaths
}

func receipts(t *testing.T, h *cluster.Harness) int {
	t.Helper()
	var all []wire.Receipt
	must(t, h.API("/api/v1/receipts", &all))
	return len(all)
}

// Wrong orders get one line that says what would be right, and change nothing;
// the bench says what it needs.
func TestFaultsOrderedWrongly(t *testing.T) {
	t.Parallel()
	h := start(t, "--fault-proxies", "--edges", "2", "--balancers", "1")
	for _, spec := range []string{"", "boom", "kill@x", "reset@1x0", "link"} {
		text := faultOrder(t, h, "edge-1", spec, http.StatusBadRequest)
		for _, kind := range fault.Kinds {
			if !strings.Contains(text, string(kind)) || strings.Count(text, "\n") != 1 {
				t.Errorf("order %q: %q; want one line with every kind", spec, text)
				break
			}
		}
	}
	n, err := h.Node("edge-1")
	must(t, err)
	faultCall(t, http.MethodGet, strings.Replace(n.Fault, "edge-1", "edge-9", 1), "", http.StatusNotFound)
	faultCall(t, http.MethodDelete, n.Fault, "", http.StatusMethodNotAllowed)
	if state := faultLook(t, h, "edge-1"); state.Edge != "edge-1" || state.Fault != "none" || state.Struck != 0 {
		t.Errorf("after wrong orders: %+v", state)
	}
	for _, row := range [][2]string{{"link", "make trial"}, {"boom@3", "trickle"}, {"none", "nothing"}} {
		if _, errs, code := h.Command("bench", "--fault", row[0]); code != 2 || !strings.Contains(errs, row[1]) {
			t.Errorf("bench --fault %s: exit %d, %q; want 2 and %q", row[0], code, errs, row[1])
		}
	}
	out, errs, code := h.Command("bench", "--fault", "reset@1500", "--viewers", "6", "--for", "9s", "--down", "1500ms", "--retries", "0", "--speed", "3", "--buffer", "6s")
	if code != 0 || !strings.Contains(out, "reset@1500") || !strings.Contains(out, " answers") {
		t.Errorf("bench --fault reset@1500: exit %d, %q, %q", code, out, errs)
	}
	plain := start(t, "--edges", "2", "--balancers", "1")
	if _, errs, code := plain.Command("bench", "--fault", "garbage"); code != 2 || !strings.Contains(errs, "tandem demo --fault-proxies") {
		t.Errorf("bench --fault garbage without proxies: exit %d, %q", code, errs)
	}
}

// faultState is how a proxy's orders are answered.
type faultState struct {
	Edge    string
	Fault   string
	Struck  int
	Answers int
}

// faultOrder says what is to happen before an edge.
func faultOrder(t *testing.T, h *cluster.Harness, edge, spec string, want int) string {
	t.Helper()
	n, err := h.Node(edge)
	must(t, err)
	return faultCall(t, http.MethodPost, n.Fault, spec, want)
}

// faultLook tells what is in force before an edge.
func faultLook(t *testing.T, h *cluster.Harness, edge string) (state faultState) {
	t.Helper()
	n, err := h.Node(edge)
	must(t, err)
	must(t, json.Unmarshal([]byte(faultCall(t, http.MethodGet, n.Fault, "", http.StatusOK)), &state))
	return state
}

func faultCall(t *testing.T, method, url, body string, want int) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	must(t, err)
	resp, err := http.DefaultClient.Do(req)
	must(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	must(t, err)
	if resp.StatusCode != want {
		t.Fatalf("%s %s %q: %s %s; want %d", method, url, body, resp.Status, text, want)
	}
	return string(text)
}

// takenOver is how many responses the balancers have finished from another edge.
func takenOver(t *testing.T, h *cluster.Harness) int {
	t.Helper()
	f := h.File()
	sum := 0.0
	for _, admin := range f.Admins() {
		sum += metric(t, admin, "tandem_lb_takeovers_total", `result="finished"`)
	}
	return int(sum)
}

// metric sums the series of a name at an admin listener whose labels contain
// this text.
func metric(t *testing.T, admin, name, labels string) float64 {
	t.Helper()
	sum := 0.0
	for series, n := range metrics(t, admin) {
		if plain, _, _ := strings.Cut(series, "{"); plain == name && strings.Contains(series, labels) {
			sum += n
		}
	}
	return sum
}

// metrics are all of a node.
func metrics(t *testing.T, admin string) map[string]float64 {
	t.Helper()
	resp, err := http.Get(admin + "/metrics")
	must(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	must(t, err)
	all := map[string]float64{}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		line = strings.TrimSpace(line)
		at := strings.LastIndexByte(line, ' ')
		n, err := strconv.ParseFloat(line[at+1:], 64)
		must(t, err)
		all[line[:at]] = n
	}
	return all
}
