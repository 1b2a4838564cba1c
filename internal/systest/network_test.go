package systest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/textproto"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"tandem/bench/lab"
	"tandem/internal/cluster"
	"tandem/internal/wire"
)

// network is a cluster whose nodes have a network namespace each, on one bridge,
// and a host for the viewer.
type network struct {
	t      *testing.T
	lab    *lab.Lab
	binary string
	lead   string // the balancer whose admin listener is asked
	secret wire.Secret
	ask    []string // what curl needs to ask an admin listener with TLS and operators; nil: nothing
}

const (
	networkSecret  = "a secret for one test and no longer"
	networkGroup   = "239.1.2.3:5000"
	networkViewer  = "viewer"
	networkLost    = 5 // of a hundred datagrams
	networkRefused = "the kernel takes no rule that loses datagrams; this run is without loss"
)

var namespaceEdges = []string{"edge-1", "edge-2", "edge-3"}

// layNetwork makes the hosts; nothing runs on them yet.
func layNetwork(t *testing.T) *network {
	t.Helper()
	n := &network{t: t, binary: cluster.Binary(t), lead: "lb"}
	var err error
	n.secret, err = wire.NewSecret(networkSecret)
	must(t, err)
	dir, err := os.MkdirTemp("", "tandem-network-")
	must(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("evidence (logs, stores): %s", dir)
			return
		}
		_ = os.RemoveAll(dir)
	})
	must(t, os.WriteFile(filepath.Join(dir, "secret"), []byte(networkSecret), 0o600))
	n.lab, err = lab.New(dir)
	must(t, err)
	t.Cleanup(n.lab.Close)
	for _, name := range append([]string{"origin", "lb", networkViewer}, namespaceEdges...) {
		_, err := n.lab.Host(name)
		must(t, err)
	}
	return n
}

// base is a node's base URL.
func (n *network) base(host string) string { return "http://" + n.lab.Hosts[host].IP + ":8000" }

func (n *network) admin(host string) string {
	if n.ask != nil {
		return "https://" + n.lab.Hosts[host].IP + ":9000"
	}
	return "http://" + n.lab.Hosts[host].IP + ":9000"
}

// start starts all nodes.
func (n *network) start() {
	n.t.Helper()
	n.run("origin", "origin", "--sample", "--multicast-interface", "eth0")
	n.run("lb", "lb", "--name", "lb-1", "--data", filepath.Join(n.lab.Dir, "lb"), "--raft-listen", n.lab.Hosts["lb"].IP+":7000",
		"--peers", "lb-1="+n.lab.Hosts["lb"].IP+":7000="+n.base("lb"))
	for _, name := range namespaceEdges {
		n.run(name, "edge", "--name", name, "--data", filepath.Join(n.lab.Dir, name), "--origin", n.base("origin"), "--balancers", n.base("lb"),
			"--capacity", "100", "--duplication", "multicast", "--multicast-group", networkGroup, "--multicast-interface", "eth0")
	}
}

// run starts one node.
func (n *network) run(host, role string, args ...string) {
	n.t.Helper()
	ip := n.lab.Hosts[host].IP
	args = append([]string{n.binary, role, "--listen", ip + ":8000", "--admin-listen", ip + ":9000", "--admin-open", "--secret-file", filepath.Join(n.lab.Dir, "secret")}, args...)
	_, err := n.lab.Hosts[host].Start("tandem", args...)
	must(n.t, err)
}

// lossy loses datagrams on their way in, by chance, and counts them. A rule, and
// not a queueing discipline: what goes over TCP stays as it is.
func (n *network) lossy(host string) {
	n.t.Helper()
	cmd := n.lab.Hosts[host].Command(n.t.Context(), "nft", "-f", "-")
	cmd.Stdin = strings.NewReader(fmt.Sprintf("table ip lossy {\n chain in {\n type filter hook input priority 0;\n"+
		" udp dport %s numgen random mod 100 < %d counter drop\n }\n}\n", networkGroup[strings.Index(networkGroup, ":")+1:], networkLost))
	if out, err := cmd.CombinedOutput(); err != nil {
		n.t.Logf("%s: %s: %v: %s", host, networkRefused, err, bytes.TrimSpace(out))
	}
}

var lostPackets = regexp.MustCompile(`counter packets (\d+)`)

// lost is how many datagrams lossy lost.
func (n *network) lost(host string) int {
	out, _ := n.lab.Hosts[host].Command(n.t.Context(), "nft", "list", "table", "ip", "lossy").Output()
	if m := lostPackets.FindSubmatch(out); m != nil {
		count, _ := strconv.Atoi(string(m[1]))
		return count
	}
	return 0
}

// curl runs curl as the viewer, signed as a node of the cluster if asked.
func (n *network) curl(stdin string, args ...string) []byte {
	n.t.Helper()
	cmd := n.lab.Hosts[networkViewer].Command(n.t.Context(), append([]string{"curl", "-sS", "-m", "30"}, args...)...)
	cmd.Stdin = strings.NewReader(stdin)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		n.t.Fatalf("curl %s: %v: %s", strings.Join(args, " "), err, bytes.TrimSpace(errs.Bytes()))
	}
	return out
}

func (n *network) bearer() string { return wire.HeaderAuth + ": " + n.secret.Bearer() }

// await polls the balancer's status until cond is true of it.
func (n *network) await(what string, limit time.Duration, cond func(*wire.Status) bool) *wire.Status {
	n.t.Helper()
	var out []byte
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		s := &wire.Status{}
		cmd := n.lab.Hosts[networkViewer].Command(n.t.Context(), append([]string{"curl", "-sS", "-f", "-m", "5", n.admin(n.lead) + "/api/v1/status"}, n.ask...)...)
		var err error
		if out, err = cmd.CombinedOutput(); err == nil && json.Unmarshal(out, s) == nil && cond(s) {
			return s
		}
	}
	n.t.Fatalf("%s: not within %s; %s", what, limit, out)
	return nil
}

// enter opens a session; base is what all its URLs begin with.
func (n *network) enter() (base string, id wire.SessionID) {
	n.t.Helper()
	effective := string(n.curl("", "-f", "-L", "-o", os.DevNull, "-w", "%{url_effective}", n.base("lb")+stored))
	at, err := url.Parse(effective)
	must(n.t, err)
	sealed, _, ok := wire.SplitPath(at.Path)
	if !ok {
		n.t.Fatalf("no session at %s", effective)
	}
	token, ok := wire.PeekToken(sealed)
	if !ok {
		n.t.Fatalf("no token: %s", sealed)
	}
	return strings.TrimSuffix(effective, stored), token.SessionID
}

// members are the two edges of a session's pair, and the one that is none.
func (n *network) members(id wire.SessionID) (members []string, other string) {
	n.t.Helper()
	for _, p := range n.await("the status", 5*time.Second, func(*wire.Status) bool { return true }).Pairs {
		if p.ID == id.Pair {
			members = []string{p.Low, p.High}
		}
	}
	for _, name := range namespaceEdges {
		if len(members) == 2 && name != members[0] && name != members[1] {
			other = name
		}
	}
	if other == "" {
		n.t.Fatalf("pair %d: members %v of %v", id.Pair, members, namespaceEdges)
	}
	return members, other
}

// fetch gets paths below a base URL one after the other, and returns the bodies
// of those that were answered with 200.
func (n *network) fetch(base string, paths []string, headers ...string) map[string][]byte {
	n.t.Helper()
	dir, err := os.MkdirTemp(n.lab.Dir, "fetched-")
	must(n.t, err)
	defer os.RemoveAll(dir)
	file := func(i int) string { return filepath.Join(dir, strconv.Itoa(i)) }
	var orders strings.Builder
	for i, p := range paths {
		fmt.Fprintf(&orders, "url = %q\noutput = %q\n", base+p, file(i))
	}
	args := []string{"-K", "-", "-w", "%{http_code}\n"}
	for _, h := range headers {
		args = append(args, "-H", h)
	}
	codes := strings.Fields(string(n.curl(orders.String(), args...)))
	if len(codes) != len(paths) {
		n.t.Fatalf("%d answers to %d requests below %s", len(codes), len(paths), base)
	}
	got := map[string][]byte{}
	for i, p := range paths {
		if codes[i] != "200" {
			continue
		}
		got[p], err = os.ReadFile(file(i))
		must(n.t, err)
	}
	return got
}

// held are those of the paths of which an edge has a complete copy.
func (n *network) held(edge string, paths []string) map[string][]byte {
	n.t.Helper()
	return n.fetch(n.base(edge)+wire.PathObject, paths, n.bearer(), wire.HeaderCached+": 1")
}

// head is the head of the answer to a HEAD.
func (n *network) head(at string) http.Header {
	n.t.Helper()
	r := textproto.NewReader(bufio.NewReader(bytes.NewReader(n.curl("", "-f", "-I", at))))
	_, _ = r.ReadLine()
	h, err := r.ReadMIMEHeader()
	must(n.t, err)
	return http.Header(h)
}

// metrics are a node's metrics by name and labels, as they are written.
func (n *network) metrics(host string) map[string]float64 {
	n.t.Helper()
	all := map[string]float64{}
	for line := range strings.Lines(string(n.curl("", "-f", n.admin(host)+"/metrics"))) {
		name, text, ok := strings.Cut(strings.TrimSpace(line), " ")
		if value, err := strconv.ParseFloat(text, 64); ok && err == nil {
			all[name] = value
		}
	}
	return all
}

// counts is how often the origin answered for each path.
func (n *network) counts() map[string]int {
	n.t.Helper()
	counts := map[string]int{}
	must(n.t, json.Unmarshal(n.curl("", "-f", "-H", n.bearer(), n.base("origin")+"/_tandem/counts"), &counts))
	return counts
}
