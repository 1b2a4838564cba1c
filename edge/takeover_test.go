package edge

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tandem/edge/fetch"
	"tandem/edge/prefetch"
	"tandem/internal/ring"
	"tandem/internal/wire"
)

// filmOrigin has a film with video and audio in playlists of their own, 20 segments.
func filmOrigin(t *testing.T) *testOrigin {
	o := newOrigin(t)
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Cache-Control", "max-age=600")
		if r.URL.Path == "/v/x/top.m3u8" {
			w.Header().Set("Cache-Control", "max-age=0") // it is copied to nobody
		}
		switch r.URL.Path {
		case "/v/x/top.m3u8":
			_, _ = io.WriteString(w, "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"a\",URI=\"a.m3u8\"\n#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=\"a\",CODECS=\"avc1.64001f\"\nv.m3u8\n")
		case "/v/x/v.m3u8", "/v/x/a.m3u8":
			text := "#EXTM3U\n#EXT-X-TARGETDURATION:4\n"
			for n := range 20 {
				text += fmt.Sprintf("#EXTINF:4,\n%s/%d.m4s\n", r.URL.Path[5:6], n)
			}
			_, _ = io.WriteString(w, text+"#EXT-X-ENDLIST\n")
		default:
			return false
		}
		return true
	})
	return o
}

// watching is a viewer of the film: one session, whatever edge delivers it.
type watching struct {
	t  *testing.T
	id wire.SessionID
	n  int // the segment that comes next
}

func (v *watching) ask(e *testEdge, path string) {
	v.t.Helper()
	if resp, _ := get(v.t, e.url+"/s/"+tokenOf(v.id, "/v/x/")+path); resp.StatusCode != http.StatusOK {
		v.t.Fatalf("%s: %s", path, resp.Status)
	}
}

// play asks for the next segment of both tracks, and waits until these edges know.
func (v *watching) play(by *testEdge, all ...*testEdge) {
	v.t.Helper()
	for _, track := range []string{"v", "a"} {
		v.ask(by, fmt.Sprintf("/v/x/%s/%d.m4s", track, v.n))
	}
	want := fmt.Sprintf("video %d (/v/x/v/%d.m4s), audio %d (/v/x/a/%d.m4s)", v.n, v.n, v.n, v.n)
	for _, e := range all {
		eventually(v.t, e.cfg.Name+" knows "+want, func() bool { return e.places(v.id) == want })
	}
	v.n++
}

// places are the positions of a session, as an edge delivers or mirrors it.
func (e *testEdge) places(id wire.SessionID) string {
	var list []string
	for _, track := range e.member.Tracks(id) {
		list = append(list, fmt.Sprintf("%s %d (%s)", track.Kind, track.Sequence, track.Target))
	}
	return strings.Join(list, ", ")
}

// counted is how many first requests met what.
func (e *testEdge) counted() string {
	var list []string
	for _, c := range e.member.Takeovers().List() {
		list = append(list, fmt.Sprint(c.Track, " ", c.Outcome, " ", c.Count))
	}
	return strings.Join(list, ", ")
}

// takesOver waits until an edge has taken so many sessions over, and has made ready what
// comes next.
func (e *testEdge) takesOver(t *testing.T, sessions int64, next ...string) {
	t.Helper()
	eventually(t, "the sessions are taken over", func() bool { return e.member.Counts.Inherited.Load() >= sessions })
	e.has(t, next...)
}

// has waits until an edge has made ready what comes next.
func (e *testEdge) has(t *testing.T, next ...string) {
	t.Helper()
	for _, target := range next {
		eventually(t, target+" is ready", func() bool { return e.member.Prefetch.Ready(prefetch.Wanted{Target: target}) })
	}
}

// next are the next two segments of both tracks.
func (v *watching) next() (list []string) {
	for _, track := range []string{"v", "a"} {
		for n := range 2 {
			list = append(list, fmt.Sprintf("/v/x/%s/%d.m4s", track, v.n+n))
		}
	}
	return list
}

// An edge dies, comes back, its disk kept or wiped, and dies again. Whoever delivers
// knows how far each track is, whoever has filled the playlists, and has the next
// segments of both in memory before they are asked for.
func TestEveryTakeoverIsReadyInEveryTrack(t *testing.T) {
	for _, wiped := range []bool{false, true} {
		t.Run(fmt.Sprintf("wiped %v", wiped), func(t *testing.T) {
			o := filmOrigin(t)
			b, edges := startRing(t, 2, o)
			low, high := edges[0], edges[1]
			id, reason := open(t, low, 1, "/v/x/")
			if reason != "" {
				t.Fatal(reason)
			}
			v := &watching{t: t, id: id}
			for _, list := range []string{"top", "v", "a"} {
				v.ask(low, "/v/x/"+list+".m3u8")
			}
			for range 3 {
				v.play(low, low, high)
			}
			for _, list := range []string{"top", "v", "a"} {
				eventually(t, "both hold the playlists", func() bool { return high.store.Has("/v/x/" + list + ".m3u8") })
			}
			for death := int64(1); death <= 2; death++ {
				low.stop()
				b.state("edge-1", wire.EdgeDown, ring.AnchorCurrent)
				high.takesOver(t, death, v.next()...)
				v.play(high, high)
				v.play(high, high)
				if got, want := high.counted(), fmt.Sprintf("video ready %d, audio ready %d", death, death); got != want {
					t.Errorf("death %d: %s", death, got)
				}
				cfg := Config{Name: "edge-1", Origin: o.URL, Balancers: []string{b.URL}}
				if !wiped {
					cfg.Data = low.cfg.Data
				}
				b.mu.Lock()
				b.ready = map[string]uint64{}
				b.mu.Unlock()
				low = startEdge(t, cfg)
				eventually(t, "ready", func() bool { b.mu.Lock(); defer b.mu.Unlock(); return b.ready["edge-1"] > 0 })
				low.has(t, v.next()...) // before it is given the session
				b.state("edge-1", wire.EdgeUp, ring.AnchorHome)
				followed(t, b, low, high)
				low.takesOver(t, 1, v.next()...)
				v.play(low, low, high) // it has filled no playlist in this life
				if got := low.counted(); got != "video ready 1, audio ready 1" {
					t.Errorf("return %d: %s", death, got)
				}
				v.play(low, low, high)
			}
			if n := o.count("/v/x/v.m3u8") + o.count("/v/x/a.m3u8"); n != 2 {
				t.Errorf("the origin was asked %d times for two playlists", n)
			}
		})
	}
}

// Playlists that are fresh for a moment alone are copied to nobody. An edge that returns gets
// those that sessions are in before it says that it is ready.
func TestWhoReturnsHasThePlaylistsThatSessionsAreIn(t *testing.T) {
	o := filmOrigin(t)
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/v/x/v.m3u8" {
			w.Header().Set("Cache-Control", "max-age=1")
			_, _ = io.WriteString(w, "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nv/0.m4s\n#EXTINF:4,\nv/1.m4s\n#EXT-X-ENDLIST\n")
			return true
		}
		return false
	})
	b, edges := startRing(t, 2, o)
	low, high := edges[0], edges[1]
	id, reason := open(t, low, 1, "/v/x/")
	if reason != "" {
		t.Fatal(reason)
	}
	v := &watching{t: t, id: id}
	v.ask(low, "/v/x/v.m3u8")
	v.ask(low, "/v/x/v/0.m4s")
	eventually(t, "the other one knows where it is", func() bool { return high.places(id) == "video 0 (/v/x/v/0.m4s)" })
	low.stop()
	b.state("edge-1", wire.EdgeDown, ring.AnchorCurrent)
	b.mu.Lock()
	b.ready = map[string]uint64{}
	b.mu.Unlock()
	low = startEdge(t, Config{Name: "edge-1", Origin: o.URL, Balancers: []string{b.URL}})
	eventually(t, "ready", func() bool { b.mu.Lock(); defer b.mu.Unlock(); return b.ready["edge-1"] > 0 })
	if view, ok := low.store.Peek("/v/x/v.m3u8"); ok {
		view.Close()
	} else {
		t.Error("it is ready without the playlist that its session will be in")
	}
}

// What a manifest is renewed for, being ready, needs all of it, stored: its first bytes have
// come sooner.
func TestARenewedManifestIsWhole(t *testing.T) {
	o := newOrigin(t)
	o.handle(func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Cache-Control", "max-age=60")
		_, _ = io.WriteString(w, "#EXTM3U\n#EXT-X-TARGETDURATION:4\n"+strings.Repeat("#EXTINF:4,\n0.m4s\n", 3000)+"#EXT-X-ENDLIST\n")
		return true
	})
	e := startEdge(t, Config{Origin: o.URL})
	for i := range 50 {
		key := fmt.Sprintf("/v/x/%d.m3u8", i)
		if err := fetch.Renew(t.Context(), e.fetch, key, 0, false); err != nil {
			t.Fatal(err)
		}
		if !e.store.Has(key) {
			t.Fatalf("%s is said to be here, and is not", key)
		}
	}
}

// Two of three die, one soon after the other. The last one is no member of the sessions'
// pair and holds nothing of it: it is told the table while one alone holds that, and has
// the next segments from the origin before they are asked for.
func TestTheLastOfThreeHasReadyWhatItInherits(t *testing.T) {
	o := filmOrigin(t)
	b, edges := startRing(t, 3, o)
	id, reason := open(t, edges[0], 1, "/v/x/")
	if reason != "" {
		t.Fatal(reason)
	}
	v, taken := &watching{t: t, id: id}, ring.Load{Pair: 1, Taken: []wire.Run{{From: id.Slot, To: id.Slot + 1}}}
	for _, list := range []string{"top", "v", "a"} {
		v.ask(edges[0], "/v/x/"+list+".m3u8")
	}
	for range 3 {
		v.play(edges[0], edges[0], edges[1])
	}
	for i, next := range edges[1:] {
		edges[i].stop()
		b.state(edges[i].cfg.Name, wire.EdgeDown, ring.AnchorCurrent, taken)
		next.takesOver(t, 1, v.next()...)
		v.play(next, edges[1+i:]...)
		if got := next.counted(); got != "video ready 1, audio ready 1" {
			t.Errorf("%s: %s", next.cfg.Name, got)
		}
	}
}

// Both members of a pair die in one moment, as neighbours on one host do. A third one has
// been told their table, and tells those to whom other slots of it are given: every session
// goes on where it is, and what comes next in it is got before it is asked for.
func TestTwoThatDieAtOnceTakeNoTableWithThem(t *testing.T) {
	o := filmOrigin(t)
	b, edges := startRingOf(t, 4, o, func(i int) Config { return Config{Capacity: []int{8, 8, 1, 8}[i]} })
	var viewers []*watching
	taken := ring.Load{Pair: 1}
	for range 2 {
		id, reason := open(t, edges[0], 1, "/v/x/")
		if reason != "" {
			t.Fatal(reason)
		}
		taken.Taken = append(taken.Taken, wire.Run{From: id.Slot, To: id.Slot + 1})
		v := &watching{t: t, id: id, n: 4 * len(viewers)}
		for _, list := range []string{"top", "v", "a"} {
			v.ask(edges[0], "/v/x/"+list+".m3u8")
		}
		v.play(edges[0], edges[:3]...)
		viewers = append(viewers, v)
	}
	edges[0].stop()
	edges[1].stop()
	b.state("edge-1", wire.EdgeDown, ring.AnchorCurrent, taken)
	b.state("edge-2", wire.EdgeDown, ring.AnchorCurrent, taken)
	followed(t, b, edges[2:]...)
	p := edges[2].view.Placement()
	q, _ := p.Pair(1)
	by := map[string]*testEdge{"edge-3": edges[2], "edge-4": edges[3]}
	for _, v := range viewers {
		e := by[ring.Owner(p, q, v.id.Slot)]
		if e == nil {
			t.Fatalf("slot %d is given to nobody: %+v", v.id.Slot, q)
		}
		delete(by, e.cfg.Name)
		e.takesOver(t, 1, v.next()...)
		v.play(e, edges[2:]...)
		if got := e.counted(); got != "video ready 1, audio ready 1" {
			t.Errorf("%s: %s", e.cfg.Name, got)
		}
	}
}

// A playlist that nobody has asked for lately is copied to a returned edge all the
// same: by it is known where sessions are.
func TestWhatIsNoLongerFreshIsCopiedToo(t *testing.T) {
	o, b := filmOrigin(t), newBalancer(t)
	later := atomic.Int64{}
	clock := func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
	edge := func(name string) *testEdge {
		return startEdgeAt(t, Config{Name: name, Origin: o.URL, Balancers: []string{b.URL}}, clock)
	}
	low, high := edge("edge-1"), edge("edge-2")
	eventually(t, "registered", func() bool { b.mu.Lock(); defer b.mu.Unlock(); return len(b.placement.Edges) == 2 })
	b.place("/v/x/", 1)
	followed(t, b, low, high)
	get(t, high.url+"/v/x/a.m3u8")
	low.stop()
	b.state("edge-1", wire.EdgeDown, ring.AnchorCurrent)
	later.Store(int64(time.Hour))
	again := edge("edge-1") // a wiped disk
	eventually(t, "ready", func() bool { b.mu.Lock(); defer b.mu.Unlock(); return b.ready["edge-1"] > 0 })
	if n := o.count("/v/x/a.m3u8"); n != 1 || !again.store.Has("/v/x/a.m3u8") {
		t.Errorf("it is there: %v; the origin was asked %d times", again.store.Has("/v/x/a.m3u8"), n)
	}
}

// The outcomes are told by metrics and reports.
func TestOutcomesOfTakeoversAreTold(t *testing.T) {
	o := filmOrigin(t)
	b, edges := startRing(t, 2, o)
	e := edges[1]
	e.member.Takeovers()[wire.AudioTrack][prefetch.Late].Add(3)
	eventually(t, "the balancer is told", func() bool {
		list := b.report("edge-2").Takeovers
		return len(list) == 1 && list[0] == wire.TakeoverCount{Track: wire.AudioTrack, Outcome: "late", Count: 3}
	})
	families, err := e.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != "tandem_edge_takeover_requests_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			if m.GetLabel()[1].GetValue() == "audio" && m.GetLabel()[0].GetValue() == "late" && m.GetCounter().GetValue() == 3 {
				return
			}
		}
		t.Fatalf("%v", f)
	}
	t.Fatal("no metric")
}
