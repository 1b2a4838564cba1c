package edge

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tandem/edge/fetch"
	"tandem/edge/multicast"

	"golang.org/x/net/ipv4"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// groupOrigin is a fake origin that sends to the group, and counts what it sends.
type groupOrigin struct {
	*testOrigin
	t         *testing.T
	group     *net.UDPAddr
	socket    *net.UDPConn
	seals     *wire.DatagramSealer
	ranges    atomic.Int64            // asked for
	repaired  atomic.Int64            // bytes of them
	whole     atomic.Int64            // bodies sent by HTTP
	objects   atomic.Int64            // sent to the group
	grouped   atomic.Int64            // bytes of them
	datagrams atomic.Int64            // of them
	skip      func(offset int64) bool // lost for everybody
	change    func(d *wire.Datagram)  // before it is sealed
	between   func(b []byte) [][]byte // what becomes of a datagram on its way; nil: nothing
	under     sync.WaitGroup          // sending
}

// sealer seals as an origin with that secret does.
func sealer(secret wire.Secret) *wire.DatagramSealer {
	s := wire.NewDatagramSealer()
	s.Use(secret.DatagramKey())
	return s
}

func newGroupOrigin(t *testing.T) *groupOrigin {
	t.Helper()
	socket, err := net.ListenUDP("udp4", nil)
	if err != nil {
		t.Fatal(err)
	}
	free, err := net.ListenUDP("udp4", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = free.Close()
	o := &groupOrigin{
		testOrigin: newOrigin(t), t: t, socket: socket, seals: sealer(testSecret()),
		group: &net.UDPAddr{IP: net.IPv4(239, 255, 77, 3), Port: free.LocalAddr().(*net.UDPAddr).Port},
	}
	t.Cleanup(func() {
		o.under.Wait()
		_ = socket.Close()
	})
	at, err := wire.GroupInterface("", "127.0.0.1:0")
	if err != nil || at == nil {
		t.Fatal("no loopback interface:", err)
	}
	if err := ipv4.NewPacketConn(socket).SetMulticastInterface(at); err != nil {
		t.Fatal("no multicast on the loopback interface:", err)
	}
	o.handle(o.answer)
	return o
}

// config is that of an edge which joins the group.
func (o *groupOrigin) config(lose func() bool) Config {
	return Config{Listen: "127.0.0.1:0", Duplication: fetch.DuplicateMulticast, MulticastGroup: o.group.String(), lose: lose}
}

func (o *groupOrigin) answer(w http.ResponseWriter, r *http.Request) bool {
	path := r.URL.Path
	body := bodyOf(path, segmentSize)
	digest := sha256.Sum256(body)
	h := w.Header()
	h.Set("Content-Type", "video/iso.segment")
	h.Set("ETag", `"`+hex.EncodeToString(digest[:8])+`"`)
	h.Set("Cache-Control", "max-age=600")
	h.Set("Last-Modified", "Mon, 23 Nov 2026 09:00:00 GMT")
	switch to := r.Header.Get(wire.HeaderDest); {
	case r.Header.Get("Range") != "":
		o.ranges.Add(1)
		w = &sizing{w, &o.repaired}
	case to == "":
		w = &sizing{w, &o.whole}
	case to != "udp://"+o.group.String() || !testSecret().Authorised(r):
		o.t.Errorf("asked to send to %q", to)
	default:
		d := wire.Datagram{
			Object: wire.DatagramObject(path, h.Get("ETag")), Total: segmentSize, Sent: time.Now().UnixMilli(), Digest: digest,
			Key: path, ETag: h.Get("ETag"), Type: h.Get("Content-Type"), Caching: h.Get("Cache-Control"), Changed: h.Get("Last-Modified"),
		}
		h.Set(wire.HeaderMulticast, fmt.Sprintf("%016x", d.Object))
		h.Set(wire.HeaderLength, strconv.Itoa(segmentSize))
		h.Set(wire.HeaderDigest, hex.EncodeToString(digest[:]))
		w.WriteHeader(http.StatusAccepted)
		o.objects.Add(1)
		o.under.Go(func() { o.send(d, body) })
		return true
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
	return true
}

func (o *groupOrigin) send(d wire.Datagram, body []byte) {
	if o.change != nil {
		o.change(&d)
	}
	for ; d.Offset < d.Total; d.Offset += int64(len(d.Body)) {
		d.Body = body[d.Offset:min(d.Offset+int64(d.Room()), d.Total)]
		if o.skip != nil && o.skip(d.Offset) {
			continue
		}
		sent := [][]byte{o.seals.Append(nil, &d)}
		if o.between != nil {
			sent = o.between(sent[0])
		}
		for _, b := range sent {
			if _, err := o.socket.WriteToUDP(b, o.group); err != nil {
				o.t.Error("no multicast on the loopback interface:", err)
				return
			}
		}
		o.datagrams.Add(1)
		o.grouped.Add(int64(len(d.Body)))
	}
}

// sizing counts the bytes of a body.
type sizing struct {
	http.ResponseWriter
	sent *atomic.Int64
}

func (s *sizing) Write(b []byte) (int, error) {
	s.sent.Add(int64(len(b)))
	return s.ResponseWriter.Write(b)
}

// hears waits until the edges have joined the group.
func hears(t *testing.T, edges ...*testEdge) {
	t.Helper()
	for _, e := range edges {
		eventually(t, "group joined", e.group.Joined)
	}
}

// holds tells whether an edge has the complete object with the right bytes and
// with what the origin says of it.
func holds(t *testing.T, e *testEdge, path string) bool {
	t.Helper()
	view, ok := e.store.Peek(path)
	if !ok {
		return false
	}
	defer view.Close()
	b, err := io.ReadAll(view.Reader(t.Context(), 0))
	if err != nil || !bytes.Equal(b, bodyOf(path, segmentSize)) {
		t.Errorf("%s has %d wrong bytes of %s: %v", e.cfg.Name, len(b), path, err)
	}
	sum := sha256.Sum256(b)
	m := view.Meta()
	if m.Digest != hex.EncodeToString(sum[:]) || m.ContentType != "video/iso.segment" || m.CacheControl != "max-age=600" ||
		m.LastModified != "Mon, 23 Nov 2026 09:00:00 GMT" || m.ETag != `"`+hex.EncodeToString(sum[:8])+`"` || m.Stream != "/v/x/" {
		t.Errorf("%s has %s with %+v", e.cfg.Name, path, m)
	}
	return true
}

// losing loses a share of the datagrams; only one goroutine asks.
func losing(t *testing.T, seed uint64, percent int) func() bool {
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	return func() bool { return r.IntN(100) < percent }
}

func TestTheOriginSendsOnceToTheGroupAndTheHolesAreRepaired(t *testing.T) {
	o := newGroupOrigin(t)
	_, edges := startRingOf(t, 3, o.testOrigin, func(i int) Config { return o.config(losing(t, uint64(i+1), 5)) })
	hears(t, edges...)
	const objects = 20
	seen := 0
	for n := range objects {
		path := fmt.Sprintf("/v/x/%d.m4s", n)
		want := bodyOf(path, segmentSize)
		// Who asks is whoever is named for the object: the bytes between the edges
		// are then repairs alone.
		e := edges[0]
		q, _ := e.view.Placement().Pair(1)
		if filler, _ := ring.Filler(e.view.Placement(), q, path); filler == edges[1].cfg.Name {
			e = edges[1]
		}
		resp, body := get(t, e.url+path)
		if resp.StatusCode != 200 || !bytes.Equal(body, want) {
			t.Fatalf("%s: %s, %d bytes", path, resp.Status, len(body))
		}
		seen += len(body)
	}
	for n := range objects {
		path := fmt.Sprintf("/v/x/%d.m4s", n)
		for _, e := range edges[:2] {
			eventually(t, e.cfg.Name+" holds "+path, func() bool { return holds(t, e, path) })
		}
	}
	for _, e := range edges {
		if err := e.Check(); err != nil {
			t.Error(err)
		}
	}
	if n := edges[2].store.Stats(); n.Objects != 0 || n.Fills != 0 {
		t.Errorf("the edge that does not hold the stream: %+v", n)
	}
	// The origin: every object once to the group, none by HTTP, and the holes.
	if o.objects.Load() != objects || o.grouped.Load() != objects*segmentSize || o.whole.Load() != 0 {
		t.Errorf("%d objects of %d bytes to the group, %d bytes by HTTP", o.objects.Load(), o.grouped.Load(), o.whole.Load())
	}
	var heard, asked, sent int64
	for _, e := range edges[:2] {
		heard += e.group.Counts.Datagrams.Load()
		asked += e.group.Counts.GapsAsked.Load()
		sent += e.counts.sentBytes.Load()
	}
	t.Logf("%d datagrams sent, %d heard by both, %d holes, %d ranges of %d bytes from the origin, %d bytes from each other",
		o.datagrams.Load(), heard, asked, o.ranges.Load(), o.repaired.Load(), sent-int64(seen))
	if asked == 0 || o.ranges.Load() == 0 || o.ranges.Load() > asked || heard >= 2*o.datagrams.Load() {
		t.Errorf("%d holes, %d ranges, %d datagrams heard", asked, o.ranges.Load(), heard)
	}
	if all := int64(objects * segmentSize); o.repaired.Load() >= all || sent-int64(seen) >= all {
		t.Errorf("%d bytes of repairs from the origin, %d between the edges, of %d", o.repaired.Load(), sent-int64(seen), all)
	}
}

// A group of which nothing arrives costs time, and one range for the whole.
func TestAnObjectOfWhichNothingArrivesIsFetched(t *testing.T) {
	o := newGroupOrigin(t)
	o.skip = func(int64) bool { return true }
	_, edges := startRingOf(t, 2, o.testOrigin, func(int) Config { return o.config(nil) })
	hears(t, edges...)
	path := "/v/x/1.m4s"
	for _, e := range edges { // whoever is asked, the two of them ask once
		if resp, body := get(t, e.url+path); resp.StatusCode != 200 || !bytes.Equal(body, bodyOf(path, segmentSize)) {
			t.Fatalf("%s, %d bytes", resp.Status, len(body))
		}
	}
	for _, e := range edges {
		eventually(t, e.cfg.Name+" holds it", func() bool { return holds(t, e, path) })
	}
	if sent := o.whole.Load() + o.repaired.Load(); sent != segmentSize || o.ranges.Load()+o.objects.Load() > 2 {
		t.Errorf("the origin sent %d bytes, %d ranges", sent, o.ranges.Load())
	}
}

// One member has room for what comes, the other one has none: that one copies.
func TestAMemberWithoutRoomCopies(t *testing.T) {
	o := newGroupOrigin(t)
	_, edges := startRingOf(t, 2, o.testOrigin, func(i int) Config { return o.small(i == 1) })
	hears(t, edges...)
	path := filledBy(edges, edges[0])
	if _, body := get(t, edges[0].url+path); !bytes.Equal(body, bodyOf(path, segmentSize)) {
		t.Fatalf("%d bytes", len(body))
	}
	eventually(t, "copied", func() bool { return holds(t, edges[1], path) })
	if o.objects.Load() != 1 || o.whole.Load() != 0 {
		t.Errorf("%d objects to the group, %d bytes by HTTP", o.objects.Load(), o.whole.Load())
	}
	// With no room at the one who asks it is asked again, by HTTP alone.
	path = filledBy(edges, edges[1])
	if _, body := get(t, edges[1].url+path); !bytes.Equal(body, bodyOf(path, segmentSize)) || o.whole.Load() != segmentSize {
		t.Errorf("%d bytes, %d from the origin by HTTP", len(body), o.whole.Load())
	}
}

// small is the configuration of an edge that has no room for what comes in
// datagrams, or of one that has.
func (o *groupOrigin) small(small bool) Config {
	c := o.config(nil)
	if small {
		c.room = 1
	}
	return c
}

// filledBy is an object for which that edge asks the origin.
func filledBy(edges []*testEdge, filler *testEdge) string {
	for n := 1; ; n++ {
		path := fmt.Sprintf("/v/x/%d.m4s", n)
		if f, _ := fillerOf(edges, path); f == filler {
			return path
		}
	}
}

// fillerOf tells who of a pair asks the origin for an object.
func fillerOf(edges []*testEdge, path string) (filler, other *testEdge) {
	p := edges[0].view.Placement()
	q, _ := p.Pair(1)
	if name, _ := ring.Filler(p, q, path); name == edges[1].cfg.Name {
		return edges[1], edges[0]
	}
	return edges[0], edges[1]
}

func TestManyViewersOfBothMembersWhileItComes(t *testing.T) {
	o := newGroupOrigin(t)
	_, edges := startRingOf(t, 2, o.testOrigin, func(i int) Config { return o.config(losing(t, uint64(i+10), 5)) })
	hears(t, edges...)
	var under sync.WaitGroup
	for n := range 8 {
		path := fmt.Sprintf("/v/x/%d.m4s", n)
		for _, e := range append(edges, edges...) {
			under.Go(func() {
				resp, err := http.Get(e.url + path)
				if err != nil {
					t.Error(err)
					return
				}
				defer func() { _ = resp.Body.Close() }()
				if body, err := io.ReadAll(resp.Body); err != nil || !bytes.Equal(body, bodyOf(path, segmentSize)) {
					t.Errorf("%s: %d bytes, %v", path, len(body), err)
				}
			})
		}
	}
	under.Wait()
	for n := range 8 {
		for _, e := range edges {
			eventually(t, "held", func() bool { return holds(t, e, fmt.Sprintf("/v/x/%d.m4s", n)) })
		}
	}
	for _, e := range edges {
		if err := e.Check(); err != nil {
			t.Error(err)
		}
	}
}

func TestDatagramsThatAreNotForThisEdgeAreIgnored(t *testing.T) {
	o := newGroupOrigin(t)
	_, edges := startRingOf(t, 2, o.testOrigin, func(int) Config { return o.config(nil) })
	hears(t, edges...)
	stranger, err := wire.NewSecret("the secret of another cluster")
	if err != nil {
		t.Fatal(err)
	}
	own := o.seals
	send := func(path string, change func(d *wire.Datagram)) {
		body := bodyOf(path, segmentSize)
		d := wire.Datagram{
			Object: wire.DatagramObject(path, `"e"`), Total: segmentSize, Sent: time.Now().UnixMilli(), Digest: sha256.Sum256(body),
			Key: path, ETag: `"e"`, Type: "video/iso.segment", Caching: "max-age=600",
		}
		o.change = change
		o.send(d, body)
	}
	send("/v/x/replayed.m4s", func(d *wire.Datagram) { d.Sent -= 2 * multicast.Old.Milliseconds() })
	send("/v/x/list.m3u8", nil)
	send("/elsewhere/1.m4s", nil)
	send("/v/x/../y/1.m4s", nil)
	send("/v/x/1.m4s?CMCD=x", nil)
	send("/v/x/private.m4s", func(d *wire.Datagram) { d.Caching = "private" })
	o.seals = sealer(stranger)
	send("/v/x/forged.m4s", nil)
	o.seals = own
	for _, e := range edges {
		eventually(t, "the last one is there", func() bool {
			send("/v/x/last.m4s", nil) // again, if the socket was full of the others
			return e.store.Has("/v/x/last.m4s")
		})
		if n := e.store.Stats().Objects; n != 1 {
			t.Errorf("%s holds %d objects", e.cfg.Name, n)
		}
	}
}
