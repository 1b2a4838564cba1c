package edge

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// Whoever is brought a session that another edge delivers has what comes next in it ready
// before anybody says that that one is dead; so has who can tell that one nothing any more,
// and who is told that it is about to give its sessions to others.
func TestWhatComesNextIsReadyAtTheFirstSign(t *testing.T) {
	for what, sign := range map[string]func(v *watching, b *testBalancer, low, high *testEdge){
		"a viewer is brought":   func(v *watching, _ *testBalancer, _, high *testEdge) { v.ask(high, "/v/x/v.m3u8") },
		"a notice is not taken": func(_ *watching, _ *testBalancer, low, _ *testEdge) { low.stop() },
		"it is foretold": func(v *watching, _ *testBalancer, _, high *testEdge) {
			high.foretold(t, v.id, v.id.Slot+1) // of another session
			if n := high.member.Prefetch.Loaded(); n != 0 {
				t.Errorf("%d were made ready for a session that stays", n)
			}
			began := time.Now()
			high.foretold(t, v.id, v.id.Slot)
			if n, waited := high.member.Prefetch.Loaded(), time.Since(began); n != 4 && waited < 500*time.Millisecond {
				t.Errorf("%d of 4 were ready when the balancer had its answer, after %s", n, waited)
			}
		},
	} {
		t.Run(what, func(t *testing.T) {
			o := filmOrigin(t)
			b, edges := startRingOf(t, 2, o, func(int) Config { return Config{SilentFor: 100_000} }) // nobody is found silent
			low, high := edges[0], edges[1]
			id, reason := open(t, low, 1, "/v/x/")
			if reason != "" {
				t.Fatal(reason)
			}
			v := &watching{t: t, id: id}
			for _, list := range []string{"top", "v", "a"} {
				v.ask(low, "/v/x/"+list+".m3u8")
			}
			v.play(low, low, high)
			for _, list := range []string{"v", "a"} {
				eventually(t, "both hold the playlists", func() bool { return high.store.Has("/v/x/" + list + ".m3u8") })
			}
			if n := high.member.Prefetch.Loaded(); n != 0 {
				t.Errorf("%d were made ready, and nothing was the matter", n)
			}
			sign(v, b, low, high)
			high.has(t, v.next()...)
			low.stop()
			b.state("edge-1", wire.EdgeDown, ring.AnchorCurrent)
			high.takesOver(t, 1)
			v.play(high, high)
			if got := high.counted(); got != "video ready 1, audio ready 1" {
				t.Error(got)
			}
		})
	}
}

// foretold tells an edge, as a balancer does, that it will be given a slot of a session's pair.
func (e *testEdge) foretold(t *testing.T, id wire.SessionID, slot int) {
	t.Helper()
	text, _ := json.Marshal([]ring.Load{{Pair: id.Pair, Taken: []wire.Run{{From: slot, To: slot + 1}}}})
	if resp, _ := do(t, http.MethodPost, e.url+wire.PathForesee, bytes.NewReader(text), asNode()...); resp.StatusCode != http.StatusNoContent {
		t.Fatal(resp.Status)
	}
}

// airs lets an origin's live channel begin with a segment, and be fresh for so long.
func airs(o *testOrigin, first int, maxAge string) {
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/v/x/live.m3u8" {
			return false
		}
		w.Header().Set("Cache-Control", "max-age="+maxAge)
		_, _ = io.WriteString(w, livePlaylist(first))
		return true
	})
}

// A viewer of a live channel that is taken over: the segment that is not listed yet is
// ready when it is asked for. Who has died may have known of it: a playlist that is
// fresh is asked for anew as well.
func TestALiveTakeoverIsReady(t *testing.T) {
	o := newOrigin(t)
	airs(o, 10, "60")
	b, edges := startRing(t, 2, o)
	low, high := edges[0], edges[1]
	id, reason := open(t, low, 1, "/v/x/")
	if reason != "" {
		t.Fatal(reason)
	}
	v := &watching{t: t, id: id}
	v.ask(low, "/v/x/live.m3u8")
	v.ask(low, "/v/x/14.m4s") // the last of the window
	eventually(t, "mirrored", func() bool {
		return high.places(id) == "video 14 (/v/x/14.m4s)" && high.store.Has("/v/x/live.m3u8")
	})
	low.stop()
	airs(o, 12, "60")
	b.state("edge-1", wire.EdgeDown, ring.AnchorCurrent)
	high.takesOver(t, 1, "/v/x/15.m4s")
	v.ask(high, "/v/x/15.m4s")
	eventually(t, "counted", func() bool { return high.counted() == "video ready 1" })
}

// Who is given a playlist asks at once for what is next in it: that is got before, if it
// does not take too long.
func TestAPlaylistWaitsForTheSegmentThatItLists(t *testing.T) {
	o, held := newOrigin(t), make(chan struct{})
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		switch r.URL.Path {
		case "/v/x/live.m3u8":
			_, _ = io.WriteString(w, livePlaylist(11))
			return true
		case "/v/x/15.m4s":
			<-held
		}
		return false
	})
	b, edges := startRing(t, 2, o)
	low, high := edges[0], edges[1]
	id, _ := open(t, low, 1, "/v/x/")
	v := &watching{t: t, id: id}
	v.ask(low, "/v/x/live.m3u8")
	v.ask(low, "/v/x/14.m4s")
	eventually(t, "mirrored", func() bool { return high.places(id) == "video 14 (/v/x/14.m4s)" })
	get(t, high.url+"/v/x/live.m3u8")
	low.stop()
	b.state("edge-1", wire.EdgeDown, ring.AnchorCurrent)
	followed(t, b, high)
	began := time.Now()
	v.ask(high, "/v/x/live.m3u8")
	if waited := time.Since(began); waited < 250*time.Millisecond {
		t.Errorf("the playlist was given after %s", waited)
	}
	close(held)
	high.takesOver(t, 1, "/v/x/15.m4s")
	v.ask(high, "/v/x/15.m4s")
	if got := high.counted(); got != "video ready 1" {
		t.Error(got)
	}
}
