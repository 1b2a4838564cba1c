package systest

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tandem/internal/cluster"
	"tandem/internal/wire"
)

// An edge dies, returns with its disk, dies, returns with an empty one, dies again. Of every
// session that is taken over at any of these five moments the first request in each track is
// answered from memory: of its picture and of its sound, stored and live, HLS and DASH.
// The first request is the first one behind the commit: what is asked for before it, which
// nobody can tell from what the dead edge was asked for, is brought to the neighbour and is
// the sign by which the neighbour makes ready what comes next. So the last segment that a
// takeover needs is in memory when the dead one is known to be dead, 0.6 s after its death at the latest.
//
//	make ready (TANDEM_READY=3 times; what was asked and ready, by track)
//
// On a machine that has time for it: where edges are declared dead that only had to wait for
// a processor, viewers are taken over faster than they ask.
func TestEveryTakeoverOfACluster(t *testing.T) {
	text := os.Getenv("TANDEM_READY")
	if text == "" {
		t.Skip("make ready: minutes")
	}
	times, err := strconv.Atoi(text)
	must(t, err)
	programmes := []string{"/film/master.m3u8", "/live/master.m3u8", "/film/manifest.mpd", "/live/manifest.mpd"}
	for n := range times {
		for _, entry := range programmes {
			t.Run(fmt.Sprintf("%s, %d", entry[1:], n+1), func(t *testing.T) { takeovers(t, entry) })
			t.Run(fmt.Sprintf("planned, %s, %d", entry[1:], n+1), func(t *testing.T) { planned(t, entry) })
			t.Run(fmt.Sprintf("at the limit, %s, %d", entry[1:], n+1), func(t *testing.T) { atTheLimit(t, entry) })
			t.Run(fmt.Sprintf("two neighbours of five, %s, %d", entry[1:], n+1), func(t *testing.T) { bothDie(t, entry, 1) })
			t.Run(fmt.Sprintf("two of five, %s, %d", entry[1:], n+1), func(t *testing.T) { bothDie(t, entry, 2) })
		}
	}
}

const filmViewers = 12

// takeovers is one cluster and its five takeovers.
func takeovers(t *testing.T, entry string) {
	r := watched(t, entry, filmViewers, "--edges", "3")
	h, name := r.h, busiest(r.status())
	n, err := h.Node(name)
	must(t, err)
	for death := range 3 {
		r.ends(name)
		began := time.Now()
		killed(t, h, name)
		t.Log("what comes next is ready:", r.asked(began))
		if death == 2 {
			break
		}
		if death == 1 {
			must(t, os.RemoveAll(filepath.Join(n.Dir, "data")))
		}
		returned(t, h, name)
		t.Logf("wiped %v; what comes next is ready: %s", death == 1, r.asked(time.Now()))
	}
	r.sameSessions()
}

// planned is one cluster in which sessions go from one living edge to others: by drain,
// resume, SIGTERM and the return after it, a joining, and remove.
func planned(t *testing.T, entry string) {
	r := watched(t, entry, filmViewers, "--edges", "4")
	h, name := r.h, busiest(r.status())
	n, err := h.Node(name)
	must(t, err)
	ordered := func(what string) {
		began := time.Now()
		must(t, h.Order(http.MethodPost, "/api/v1/edges/"+name+"/"+what, nil, nil))
		t.Logf("%s: %s", what, r.asked(began))
	}
	ordered("drain")
	ordered("resume")
	r.ends(name)
	began := time.Now()
	must(t, syscall.Kill(n.PID, syscall.SIGTERM))
	h.Await(name+" is down", 10*time.Second, func(s *wire.Status) bool { return cluster.EdgeState(s, name) == wire.EdgeDown })
	t.Logf("SIGTERM: %s", r.asked(began))
	h.Await(name+" has ended", 20*time.Second, func(*wire.Status) bool { return !n.Running() })
	returned(t, h, name)
	t.Logf("back: %s", r.asked(time.Now()))
	must(t, h.Add(newcomer(t, h, "edge-5", "--after", name)))
	t.Logf("joined: %s", r.asked(time.Now()))
	r.ends(name)
	ordered("remove")
	r.sameSessions()
}

// atTheLimit is one cluster that is full: who takes over hands on what it has no room for
// to the further neighbour, whose new sessions are ready as well.
func atTheLimit(t *testing.T, entry string) {
	r := watched(t, entry, 22, "--edges", "4", "--capacity", "8")
	name := busiest(r.status())
	r.ends(name)
	began := time.Now()
	killed(t, r.h, name)
	t.Log("killed:", r.asked(began))
	r.sameSessions()
}

// bothDie is one cluster of which two edges die, 300 ms apart, so far from each other in the
// ring. The sessions of a pair that loses both members are known to a third one: all go on
// as what they were, where they were. What comes next in them is got from the origin: it is
// ready, or, where it is asked for before that, on its way.
func bothDie(t *testing.T, entry string, apart int) {
	r := watched(t, entry, filmViewers, "--edges", "5")
	h, s := r.h, r.status()
	at := slices.IndexFunc(s.Edges, func(e wire.EdgeStatus) bool { return e.Name == busiest(s) })
	dying := []string{s.Edges[at].Name, s.Edges[(at+apart)%len(s.Edges)].Name}
	lost := 0
	for _, session := range openSessions(t, h) {
		if slices.Contains(dying, session.Edge) {
			lost++
		}
	}
	for _, name := range dying {
		r.ends(name)
	}
	must(t, h.Kill(dying[0]))
	time.Sleep(300 * time.Millisecond)
	must(t, h.Kill(dying[1]))
	h.Await("both are down", 10*time.Second, func(s *wire.Status) bool {
		return cluster.EdgeState(s, dying[0]) == wire.EdgeDown && cluster.EdgeState(s, dying[1]) == wire.EdgeDown
	})
	r.crowd.further(3, nil)
	sum := r.now()
	t.Logf("%v die, who delivered %d of %d: %v", dying, lost, filmViewers, sum)
	if asked, met := of(sum, "video ")+of(sum, "audio "), of(sum, "video ready")+of(sum, "video late")+of(sum, "audio ready")+of(sum, "audio late"); met != asked || int(asked) < 2*lost {
		t.Errorf("of %v first requests %v were ready or on their way", asked, met)
	}
	r.sameSessions()
	for _, session := range openSessions(t, h) {
		if len(session.Tracks) < 2 {
			t.Errorf("%v is known to be at %+v", session.SessionID, session.Tracks)
		}
	}
}

// readiness is what the first requests after takeovers have met, at all edges.
type readiness struct {
	t         *testing.T
	h         *cluster.Harness
	past      []map[string]float64 // what lives that have ended had counted
	crowd     *twoTracks
	before    map[wire.SessionID]int64 // when each session was opened, before anything happened
	inherited float64                  // sessions that had been taken over when that was asked for last
	first     float64                  // first requests, likewise
}

// watched is a cluster at whose entry so many watch, in two tracks, each in the middle
// of it.
func watched(t *testing.T, entry string, viewers int, flags ...string) *readiness {
	h := start(t, flags...)
	film(t, filepath.Join(h.Dir, "ingest", "film"))
	crowd := inTwoTracks(t, h.File().Viewers[0]+entry, viewers)
	before := everybody(t, h, viewers)
	crowd.further(2, nil)
	return &readiness{t: t, h: h, crowd: crowd, before: before}
}

func (r *readiness) status() *wire.Status {
	s, err := r.h.Status()
	must(r.t, err)
	return s
}

// sameSessions fails the test where a session is another one than before, or anew.
func (r *readiness) sameSessions() {
	r.t.Helper()
	if after := opened(r.t, r.h); !maps.Equal(r.before, after) {
		r.t.Errorf("sessions before and after:\n%s\n%s", sorted(r.before), sorted(after))
	}
}

// outcomeOf are the labels of the first requests' metric.
var outcomeOf = regexp.MustCompile(`^tandem_edge_takeover_requests_total\{outcome="([a-z]+)",track="([a-z]+)"\}$`)

// counted is what an edge has counted in this life: sessions taken over, segments made
// ready, and first requests by "track outcome".
func (r *readiness) counted(name string) map[string]float64 {
	n, err := r.h.Node(name)
	must(r.t, err)
	c := map[string]float64{}
	for series, value := range metrics(r.t, n.Admin) {
		switch outcome := outcomeOf.FindStringSubmatch(series); {
		case series == "tandem_edge_inherited_sessions_total":
			c["inherited"] = value
		case series == "tandem_edge_prefetched_total":
			c["prefetched"] = value
		case series == "tandem_edge_playlist_unpublished_total":
			c["unpublished"] = value // a live playlist that a neighbour did not take in time
		case outcome != nil && value > 0:
			c[outcome[2]+" "+outcome[1]] = value
		}
	}
	return c
}

// ends keeps what an edge has counted that is about to die.
func (r *readiness) ends(name string) { r.past = append(r.past, r.counted(name)) }

// now is all that was counted so far.
func (r *readiness) now() map[string]float64 {
	lives := slices.Clone(r.past)
	s, err := r.h.Status()
	must(r.t, err)
	for _, e := range s.Edges {
		if e.State != wire.EdgeDown {
			lives = append(lives, r.counted(e.Name))
		}
	}
	sum := map[string]float64{}
	for _, life := range lives {
		for what, n := range life {
			sum[what] += n
		}
	}
	return sum
}

// asked waits until sessions were taken over and every viewer has asked for the next
// segments of both of its tracks, tells the shares of first requests that were ready, and
// fails where one is below all.
func (r *readiness) asked(began time.Time) string {
	r.t.Helper()
	prefetched, last := -1.0, time.Time{}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		sum := r.now()
		if sum["inherited"] > r.inherited {
			break
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("nobody was taken over: %v", sum)
		}
	}
	r.crowd.further(2, func() {
		if n := r.now()["prefetched"]; n != prefetched {
			prefetched, last = n, time.Now()
		}
	})
	sum := r.now()
	r.inherited = sum["inherited"]
	var told []string
	first, ready := 0.0, 0.0
	for _, track := range []string{"video", "audio"} {
		of, in := of(sum, track+" "), sum[track+" ready"]
		first, ready = first+of, ready+in
		told = append(told, fmt.Sprintf("%s %.0f of %.0f (%.1f %%)", track, in, of, 100*in/of))
	}
	if ready != first || first <= r.first {
		r.t.Errorf("not all were ready: %v", sum)
	}
	r.first = first
	return fmt.Sprintf("the last segment %s later; ready of the first requests so far: %s", last.Sub(began).Round(time.Millisecond), strings.Join(told, ", "))
}

// of sums what begins so.
func of(counts map[string]float64, prefix string) (sum float64) {
	for what, n := range counts {
		if strings.HasPrefix(what, prefix) {
			sum += n
		}
	}
	return sum
}

// film writes a film of one second segments, its picture and its sound apart, as HLS and
// as DASH.
func film(t *testing.T, dir string) {
	t.Helper()
	const segments = 150
	must(t, os.MkdirAll(dir, 0o755))
	write := func(name, text string) { must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644)) }
	write("master.m3u8", "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"a\",URI=\"a.m3u8\"\n#EXT-X-STREAM-INF:BANDWIDTH=800000,AUDIO=\"a\",CODECS=\"avc1.64001f,mp4a.40.2\"\nv.m3u8\n")
	sets := ""
	for track, kind := range map[string]string{"v": "video", "a": "audio"} {
		list := "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:1\n#EXT-X-MAP:URI=\"" + track + "0.mp4\"\n"
		write(track+"0.mp4", "the head of "+kind)
		for n := 1; n <= segments; n++ {
			name := fmt.Sprintf("%s%d.m4s", track, n)
			list += "#EXTINF:1,\n" + name + "\n"
			write(name, strings.Repeat(name, 10_000))
		}
		write(track+".m3u8", list+"#EXT-X-ENDLIST\n")
		sets += fmt.Sprintf(`<AdaptationSet contentType="%s" mimeType="%s/mp4"><SegmentTemplate initialization="%s0.mp4" media="%s$Number$.m4s" startNumber="1" duration="1"/><Representation id="%s" bandwidth="800000" codecs="%s"/></AdaptationSet>`,
			kind, kind, track, track, track, map[string]string{"v": "avc1.64001f", "a": "mp4a.40.2"}[track])
	}
	write("manifest.mpd", fmt.Sprintf(`<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT%dS" minBufferTime="PT1S" profiles="urn:mpeg:dash:profile:isoff-live:2011"><Period>%s</Period></MPD>`, segments, sets))
}

// read is one answer in full.
func read(resp *http.Response) ([]byte, error) {
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", resp.Request.URL.Path, resp.Status)
	}
	return b, err
}
