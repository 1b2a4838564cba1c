package systest

import (
	"bytes"
	"os"
	"os/exec"
	"path"
	"strings"
	"testing"
	"time"

	"tandem/internal/cluster"
	"tandem/internal/wire"
)

// Claim 6 between machines: an origin, a balancer and three edges on a network
// namespace each, and on its way to each edge every twentieth datagram is lost.
// One viewer gets every object with the origin's bytes. The origin sends each
// once; both members of the pair hold it then, and the edge that heard the group
// as well but is not of the pair holds none.
//
// Not every object goes to the group: when one member asks the other, whose turn
// it is, that one gets it by HTTP and passes it on. The origin's bytes are the
// same either way.
func TestMulticastBetweenNamespaces(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a cluster of processes")
	}
	if os.Geteuid() != 0 {
		asRoot(t)
		return
	}
	n := layNetwork(t)
	for _, edge := range namespaceEdges {
		n.lossy(edge)
	}
	n.start()
	n.await("three edges are up", 20*time.Second, func(s *wire.Status) bool { return len(s.Edges) == len(namespaceEdges) && cluster.AllUp(s) })
	session, id := n.enter()
	paths, got := n.watch(session)
	members, other := n.members(id)
	t.Logf("%d objects; pair %v, %s is none of it", len(paths), members, other)

	n.heldBy(members, paths, got)
	if found := n.held(other, paths); len(found) > 0 {
		t.Errorf("%s is no member and holds %d objects", other, len(found))
	}
	n.sentOnce(paths, got)
	for _, edge := range namespaceEdges {
		m := n.metrics(edge)
		t.Logf("%s: %.0f datagrams heard, %d lost, %.0f gaps asked for, %.0f objects held", edge,
			m["tandem_edge_multicast_datagrams_total"], n.lost(edge), m["tandem_edge_multicast_repairs_total"], m["tandem_edge_store_objects"])
		if m["tandem_edge_multicast_datagrams_total"] == 0 {
			t.Errorf("%s heard no datagram", edge)
		}
	}
	// Last, because the origin counts it.
	for p, want := range n.fetch(n.base("origin"), paths) {
		if !bytes.Equal(got[p], want) {
			t.Errorf("%s: the viewer got %d bytes, the origin has %d, or others", p, len(got[p]), len(want))
		}
	}
}

// asRoot runs this test once more, as root.
func asRoot(t *testing.T) {
	args := []string{"-n", "env"}
	for _, entry := range os.Environ() { // which test is wanted, and for how long
		if strings.HasPrefix(entry, "TANDEM_") {
			args = append(args, entry)
		}
	}
	cmd := exec.Command("sudo", append(args, "TANDEM_BIN="+cluster.Binary(t), os.Args[0], "-test.v", "-test.run=^"+t.Name()+"$")...)
	out, err := cmd.CombinedOutput()
	t.Logf("as root: %s", out)
	if err != nil {
		t.Fatalf("network namespaces need root: run the test as root, or allow sudo without a password: %v", err)
	}
}

// watch fetches every object of the sample once, one after the other, and
// returns those that are no playlists, in order.
func (n *network) watch(session string) (paths []string, got map[string][]byte) {
	n.t.Helper()
	lists := []string{stored}
	for i := 0; i < len(lists); i++ {
		text := n.fetch(session, lists[i:i+1])[lists[i]]
		for _, uri := range listed(string(text)) {
			at := path.Join(path.Dir(lists[i]), uri)
			if path.Ext(at) == ".m3u8" {
				lists = append(lists, at)
				continue
			}
			paths = append(paths, at)
		}
	}
	got = n.fetch(session, paths)
	if len(got) != len(paths) || len(paths) < 100 {
		n.t.Fatalf("%d of %d objects; the sample has more than 100", len(got), len(paths))
	}
	return paths, got
}

// listed are the relative addresses in a playlist, each once.
func listed(text string) (uris []string) {
	seen := map[string]bool{"": true}
	for line := range strings.Lines(text) {
		uri := strings.TrimSpace(line)
		if strings.HasPrefix(uri, "#") {
			_, uri, _ = strings.Cut(uri, `URI="`)
			uri, _, _ = strings.Cut(uri, `"`)
		}
		if !seen[uri] {
			seen[uri] = true
			uris = append(uris, uri)
		}
	}
	return uris
}

// heldBy waits until both members have complete copies of all, and compares.
func (n *network) heldBy(members, paths []string, want map[string][]byte) {
	n.t.Helper()
	for _, edge := range members {
		var found map[string][]byte
		for end := time.Now().Add(10 * time.Second); len(found) < len(paths) && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
			found = n.held(edge, paths)
		}
		for _, p := range paths {
			if body, ok := found[p]; !ok || !bytes.Equal(body, want[p]) {
				n.t.Errorf("%s: %s is not there, or is not what the viewer got", edge, p)
			}
		}
	}
}

// sentOnce checks by the origin's own counts that it sent each object once, to
// the group or over HTTP, and besides no more than what was lost.
func (n *network) sentOnce(paths []string, got map[string][]byte) {
	n.t.Helper()
	datagrams, size := 0, 0
	for _, p := range paths {
		h := n.head(n.base("origin") + p)
		d := wire.Datagram{Key: p, ETag: h.Get("ETag"), Type: h.Get("Content-Type"), Caching: h.Get("Cache-Control"), Changed: h.Get("Last-Modified")}
		datagrams += (len(got[p]) + d.Room() - 1) / d.Room()
		size += len(got[p])
	}
	m := n.metrics("origin")
	sent := 0.0
	for name, value := range m {
		if strings.HasPrefix(name, "tandem_origin_sent_bytes_total{") && !strings.Contains(name, "playlist") {
			sent += value
		}
	}
	asked := 0
	counts := n.counts()
	for _, p := range paths {
		asked += counts[p]
		if counts[p] == 0 {
			n.t.Errorf("%s: the origin was not asked", p)
		}
	}
	n.t.Logf("origin: %d bytes of objects, %.0f sent, in %.0f datagrams and for %d further requests", size, sent, m["tandem_origin_datagrams_total"], asked-len(paths))
	done := m[`tandem_origin_deliveries_total{result="done"}`]
	n.t.Logf("%.0f of %d objects went to the group; all of them would be %d datagrams", done, len(paths), datagrams)
	if done == 0 || int(done) > len(paths) || int(m["tandem_origin_datagrams_total"]) > datagrams {
		n.t.Errorf("%.0f objects in %.0f datagrams; want some, and none twice: at most %d in %d", done, m["tandem_origin_datagrams_total"], len(paths), datagrams)
	}
	for _, result := range []string{"failed", "dropped", "refused"} {
		if count := m[`tandem_origin_deliveries_total{result="`+result+`"}`]; count > 0 {
			n.t.Errorf("%.0f objects for the group: %s", count, result)
		}
	}
	if sent < float64(size) || sent > 1.15*float64(size) {
		n.t.Errorf("the origin sent %.0f bytes; want the %d of the objects, and repairs of what was lost alone", sent, size)
	}
}
