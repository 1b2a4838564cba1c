package systest

import (
	"context"
	"crypto/sha256"
	"hash"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tandem/internal/cluster"
	"tandem/internal/player"
	"tandem/internal/wire"
)

// longSegment is so much that two faults fit into one response although the
// kernel's queues between origin and viewer take many megabytes of it.
const longSegment = 64 << 20

// An edge dies, or hangs, in the middle of a response; the partner that goes on
// with it dies, or hangs, as well; a third edge, which never had the object,
// finishes it from the origin. The viewer gets one body, the origin's.
func TestTwoFaultsInOneResponse(t *testing.T) {
	rows := []struct {
		name          string
		first, second func(h *cluster.Harness, edge string) error
	}{
		{"killed, then its partner killed", kill, kill},
		{"killed, then its partner hangs", kill, hang},
		{"hangs, then its partner killed", hang, kill},
		{"hangs, then its partner hangs", hang, hang},
	}
	media := t.TempDir()
	sum := longStream(t, filepath.Join(media, "long"))
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			h := start(t, "--media", media)
			v := openLong(t, h)
			v.settle()
			before, asked := takenOver(t, h), h.OriginCounts(false)[v.path]
			v.begin()
			v.readUntil("the first takeover", before+1, func() error { return row.first(h, v.edge) })
			v.readUntil("the second takeover", before+2, func() error { return row.second(h, v.partner) })
			v.finish(sum)
			if n := h.OriginCounts(false)[v.path]; n <= asked {
				t.Errorf("%s: the origin was asked %d times before and %d after; the third edge can't have it from elsewhere", v.path, asked, n)
			}
			bringBack(t, h, v.edge)
			bringBack(t, h, v.partner)
			h.Await("all are back", 30*time.Second, cluster.AllUp)
		})
	}
}

var kill, hang = (*cluster.Harness).Kill, (*cluster.Harness).Stop

// bringBack lets an edge go on that was killed or halted.
func bringBack(t *testing.T, h *cluster.Harness, edge string) {
	t.Helper()
	n, err := h.Node(edge)
	must(t, err)
	if n.Running() {
		must(t, h.Cont(edge))
		return
	}
	must(t, h.Restart(edge))
}

// longStream writes an HLS stream of one very long segment and returns its digest.
func longStream(t *testing.T, dir string) [sha256.Size]byte {
	t.Helper()
	must(t, os.MkdirAll(dir, 0o755))
	body := make([]byte, longSegment)
	_, _ = rand.NewChaCha8([32]byte{'l', 'o', 'n', 'g'}).Read(body)
	must(t, os.WriteFile(filepath.Join(dir, "seg.ts"), body, 0o644))
	list := "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:6\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:6.0,\nseg.ts\n#EXT-X-ENDLIST\n"
	must(t, os.WriteFile(filepath.Join(dir, "index.m3u8"), []byte(list), 0o644))
	return sha256.Sum256(body)
}

// longView is one viewer in one response that is read by hand.
type longView struct {
	t             *testing.T
	h             *cluster.Harness
	client        *http.Client
	session       wire.SessionID
	url, path     string // of the segment; path is the origin's
	edge, partner string // who delivers, and who has the other copy

	resp *http.Response
	hash hash.Hash
	size int64
}

// dialNarrow connects so that little waits in the kernel on the viewer's side.
func dialNarrow(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, network, addr)
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetReadBuffer(64 << 10)
	}
	return conn, err
}

// openLong opens a session of /long/ and fetches nothing of its segment yet.
func openLong(t *testing.T, h *cluster.Harness) *longView {
	t.Helper()
	f := h.File()
	v := &longView{t: t, h: h, path: "/long/seg.ts", hash: sha256.New()}
	transport := &http.Transport{DisableCompression: true, DialContext: dialNarrow}
	t.Cleanup(transport.CloseIdleConnections)
	v.client = &http.Client{Transport: transport}
	resp, err := v.client.Get(f.Viewers[0] + "/long/index.m3u8")
	must(t, err)
	_, _ = io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	sealed, _, ok := wire.SplitPath(resp.Request.URL.Path)
	if resp.StatusCode != http.StatusOK || !ok {
		t.Fatalf("the entry: %s at %s", resp.Status, resp.Request.URL)
	}
	token, ok := wire.PeekToken(sealed)
	if !ok {
		t.Fatalf("no token: %s", sealed)
	}
	v.session = token.SessionID
	v.url = f.Viewers[0] + wire.SessionPrefix + sealed + v.path
	return v
}

// settle fetches the segment once, finds out who delivers it, and waits until
// the partner has a copy of all of it.
func (v *longView) settle() {
	v.t.Helper()
	resp, err := v.client.Get(v.url)
	must(v.t, err)
	n, err := io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	if n != longSegment || err != nil {
		v.t.Fatalf("%s: %s, %d bytes: %v", v.path, resp.Status, n, err)
	}
	v.h.Await("both members have a copy", 20*time.Second, func(s *wire.Status) bool {
		for _, o := range openSessions(v.t, v.h) {
			if o.SessionID == v.session {
				v.edge = o.Edge
			}
		}
		for _, p := range s.Pairs {
			if p.ID == v.session.Pair {
				v.partner = p.Low
				if p.Low == v.edge {
					v.partner = p.High
				}
			}
		}
		for _, e := range s.Edges {
			if (e.Name == v.edge || e.Name == v.partner) && e.StoreBytes < longSegment {
				return false
			}
		}
		return v.edge != ""
	})
}

// begin asks for the segment and takes its head.
func (v *longView) begin() {
	v.t.Helper()
	resp, err := v.client.Get(v.url)
	must(v.t, err)
	v.t.Cleanup(func() { resp.Body.Close() })
	if resp.StatusCode != http.StatusOK || resp.ContentLength != longSegment {
		v.t.Fatalf("%s: %s, %d bytes", v.path, resp.Status, resp.ContentLength)
	}
	v.resp = resp
}

// readUntil lets a fault happen and reads what still comes until the balancers have
// counted so many takeovers.
func (v *longView) readUntil(what string, takeovers int, fault func() error) {
	v.t.Helper()
	must(v.t, fault())
	for end := time.Now().Add(30 * time.Second); ; {
		counted := takenOver(v.t, v.h)
		if counted >= takeovers {
			v.t.Logf("%s: after %d bytes", what, v.size)
			return
		}
		if longSegment-v.size < 1<<20 || time.Now().After(end) {
			v.t.Fatalf("%s: not seen after %d of %d bytes; %d takeovers, not %d", what, v.size, longSegment, counted, takeovers)
		}
		took, err := io.CopyN(v.hash, v.resp.Body, 64<<10)
		v.size += took
		must(v.t, err)
	}
}

// finish reads the rest and compares.
func (v *longView) finish(want [sha256.Size]byte) {
	v.t.Helper()
	n, err := io.Copy(v.hash, v.resp.Body)
	v.size += n
	if err != nil || v.size != longSegment || [sha256.Size]byte(v.hash.Sum(nil)) != want {
		v.t.Errorf("%s: %d bytes of %d, not those of the origin, or broken: %v", v.path, v.size, longSegment, err)
	}
}

// An edge that is copying from its neighbours after a return meets a second
// fault: the neighbour dies that it copies from, or it dies again itself. It
// starts over, and viewers who never try again see nothing of either.
func TestAFaultDuringARecovery(t *testing.T) {
	// 128 KiB a second: a copy of the sample takes long enough to be hit.
	h := start(t, "--capacity", "14", "--edge-flags", "--copy-rate=128KiB")
	a := seat(t, h)
	for i := range 4 { // every rendition is on the edges before it begins
		a.watch(1, stored, player.Config{Speed: 20, Rendition: i})
	}
	a.wg.Wait()
	a.watch(24, stored, player.Config{For: 10 * time.Minute, Speed: 2, Buffer: 16 * time.Second, Retries: 0})
	h.Await("everybody is in", 30*time.Second, func(s *wire.Status) bool { return s.Sessions >= 24 })
	time.Sleep(3 * time.Second) // buffers fill

	from := recovering(t, h, "edge-2")
	t.Logf("edge-2 copies from %s", from)
	killed(t, h, from)
	h.Await("edge-2 is up without it", 60*time.Second, func(s *wire.Status) bool { return cluster.EdgeState(s, "edge-2") == wire.EdgeUp })
	must(t, h.Restart(from))
	h.Await("both are back", 60*time.Second, cluster.AllUp)

	recovering(t, h, "edge-3")
	killed(t, h, "edge-3")
	must(t, h.Restart("edge-3"))
	h.Await("edge-3 is up after all", 60*time.Second, cluster.AllUp)
	nothingSeen(t, a.report(false), 28, 400)
}

// recovering kills an edge, empties its disk, brings it back, and returns when it
// is in the middle of its copy, with the neighbour that it copies from.
func recovering(t *testing.T, h *cluster.Harness, name string) (from string) {
	t.Helper()
	killed(t, h, name)
	n, err := h.Node(name)
	must(t, err)
	must(t, os.RemoveAll(filepath.Join(n.Dir, "data")))
	must(t, h.Restart(name))
	h.Await(name+" is in the middle of its copy", 30*time.Second, func(s *wire.Status) bool {
		for _, e := range s.Edges {
			if e.Name == name && e.State == wire.EdgeRecovering && e.Recovery != nil && e.Recovery.Objects > 0 && e.Recovery.Objects < e.Recovery.Total/2 {
				from = e.Recovery.From
			}
		}
		return from != ""
	})
	return from
}

// While an edge is drained, its neighbour dies: the drained one's sessions have
// just gone there. Nobody sees it, and the drain is still one afterwards.
func TestAFaultDuringADrain(t *testing.T) {
	t.Parallel()
	h := start(t, "--capacity", "24")
	a := seat(t, h)
	a.watch(40, stored, player.Config{For: 10 * time.Minute, Speed: 2, Buffer: 16 * time.Second, Retries: 0})
	h.Await("everybody is in", 20*time.Second, sessions(40))
	time.Sleep(3 * time.Second) // buffers fill

	order(t, h, "drain", "edge-1")
	killed(t, h, "edge-2") // at once: tables and copies are still on their way
	h.Await("edges 3 and 4 have all who are not bound to both", 20*time.Second, func(s *wire.Status) bool {
		return cluster.EdgeState(s, "edge-1") == wire.EdgeDraining && s.Sessions == 40
	})
	time.Sleep(4 * time.Second) // viewers go on like this
	must(t, h.Restart("edge-2"))
	h.Await("edge-2 is back, edge-1 still drained", 30*time.Second, func(s *wire.Status) bool {
		return cluster.EdgeState(s, "edge-2") == wire.EdgeUp && cluster.EdgeState(s, "edge-1") == wire.EdgeDraining && delivering(map[string]int{"edge-1": 0})(s)
	})
	order(t, h, "resume", "edge-1")
	h.Await("all deliver", 20*time.Second, cluster.AllUp)
	time.Sleep(2 * time.Second)
	nothingSeen(t, a.report(false), 40, 400)
}

// Figure 16, and then figure 17 goes wrong: edge-1 is dead, its sessions have
// just overflowed, each other edge delivers its 8, and another one goes. For 8
// of 24 there is truly no room. Those lose their session; the other 16 see
// nothing, and nobody delivers more than it can.
func TestAFaultDuringAnOverflow(t *testing.T) {
	for _, row := range []struct {
		name   string
		second string
		fault  func(h *cluster.Harness, edge string) error
	}{
		{"its neighbour is killed", "edge-2", kill},
		{"the edge across the ring is killed", "edge-3", kill},
		{"its neighbour hangs", "edge-4", hang},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			h := start(t, "--capacity", "8", "--edge-flags", "--session-idle=20s")
			a := seat(t, h)
			crowd := apart(a, 24, func(i int) (string, player.Config) {
				// A failed try counts, and who is not let in does not hammer.
				return stored, player.Config{For: 10 * time.Minute, Buffer: 10 * time.Second, Rendition: i, Start: 3 * i, Retries: 100, RetryAfter: time.Second}
			})
			h.Await("6 each", 20*time.Second, delivering(map[string]int{"edge-1": 6, "edge-2": 6, "edge-3": 6, "edge-4": 6}))
			crowd.further(24) // buffers fill
			then := crowd.now()

			killed(t, h, "edge-1")
			must(t, row.fault(h, row.second))
			left := map[string]int{"edge-2": 8, "edge-3": 8, "edge-4": 8}
			delete(left, row.second)
			h.Await("the two that are left deliver 8 each", 20*time.Second, func(s *wire.Status) bool { return delivering(left)(s) && s.Sessions == 16 })
			refused(t, h)
			crowd.further(16)
			crowd.further(16) // twice what was under way
			if hurt := crowd.hurt(then); hurt != 8 {
				t.Errorf("%d viewers saw it; there was no room for exactly 8", hurt)
			}
		})
	}
}
