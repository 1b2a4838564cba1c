package edge

import (
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"tandem/internal/wire"
)

// fileWithIndex is a file of an index and segments of these sizes, 2 s each.
func fileWithIndex(sizes ...int) (file []byte, index int) {
	box := append([]byte("____sidx"), 0, 0, 0, 0, 0, 0, 0, 1)
	box = binary.BigEndian.AppendUint32(box, 1000)
	box = append(box, make([]byte, 10)...)
	box = binary.BigEndian.AppendUint16(box, uint16(len(sizes)))
	total := 0
	for _, n := range sizes {
		box = binary.BigEndian.AppendUint32(box, uint32(n))
		box = append(binary.BigEndian.AppendUint32(box, 2000), 0x90, 0, 0, 0)
		total += n
	}
	binary.BigEndian.PutUint32(box, uint32(len(box)))
	return append(box, make([]byte, total)...), len(box)
}

// everyKind is an origin with manifests of every kind, and where the segments of its
// file with an index begin.
func everyKind(t *testing.T) (o *testOrigin, begin int) {
	o = newOrigin(t)
	file, index := fileWithIndex(1000, 2000, 3000)
	served := map[string]string{
		"/v/x/top.m3u8": "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"a\",URI=\"a.m3u8\"\n#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"avc1.64001f\"\nv.m3u8\n",
		"/v/x/v.m3u8":   "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:40\n#EXTINF:2,\nv/1.m4s\n#EXTINF:2,\nv/2.m4s\n#EXTINF:2,\nv/3.m4s\n",
		"/v/x/a.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MAP:URI=\"a.mp4\",BYTERANGE=\"700@0\"\n#EXTINF:2,\n#EXT-X-BYTERANGE:9300@700\na.mp4\n#EXTINF:2,\n#EXT-X-BYTERANGE:10000\na.mp4\n" +
			"#EXTINF:2,\n#EXT-X-BYTERANGE:10000\na.mp4\n#EXT-X-ENDLIST\n",
		"/v/x/m.mpd": `<MPD type="static" mediaPresentationDuration="PT24H"><Period><AdaptationSet contentType="video"><SegmentTemplate duration="2" media="v/$Number$.m4s"/><Representation id="v"/></AdaptationSet>
			<AdaptationSet contentType="audio"><SegmentTemplate timescale="1000" presentationTimeOffset="1700000000000" media="t-$Time$.m4s"><SegmentTimeline><S t="1700000000000" d="2000" r="-1"/></SegmentTimeline></SegmentTemplate><Representation id="t"/></AdaptationSet>
			<AdaptationSet contentType="text"><Representation id="s"><BaseURL>one.mp4</BaseURL><SegmentBase indexRange="0-` + fmt.Sprint(index-1) + `"/></Representation></AdaptationSet></Period></MPD>`,
		"/v/x/a.mp4": strings.Repeat("a", 30_000), "/v/x/one.mp4": string(file),
	}
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		body, ok := served[r.URL.Path]
		if ok {
			w.Header().Set("Cache-Control", "max-age=600")
			_, _ = io.WriteString(w, body)
		}
		return ok
	})
	return o, index
}

func span(first, n int) string { return fmt.Sprintf("bytes=%d-%d", first, first+n-1) }

// asked is what a viewer asks for, and where that leaves a track of it; a sequence
// of nowhere: there is none yet.
type asked struct {
	what, path, part string
	kind             string
	sequence, time   int64
}

const nowhere = -9

func evening(begin int) []asked {
	return []asked{
		{"the playlists", "/v/x/top.m3u8", "", "", 0, 0},
		{"", "/v/x/v.m3u8", "", "", 0, 0},
		{"", "/v/x/a.m3u8", "", "", 0, 0},
		{"a segment", "/v/x/v/1.m4s", "", "video", 40, 0},
		{"half a segment", "/v/x/v/2.m4s", span(0, 1000), "video", 40, 0},
		{"its other half", "/v/x/v/2.m4s", "bytes=1000-", "video", 41, 2000},
		{"the head of a file", "/v/x/a.mp4", span(0, 700), "audio", nowhere, 0},
		{"a part of a file", "/v/x/a.mp4", span(700, 9300), "audio", 0, 0},
		{"the next one", "/v/x/a.mp4", span(10_000, 10_000), "audio", 1, 2000},
		{"half of one", "/v/x/a.mp4", span(20_000, 5000), "audio", 1, 2000},
		{"the same files in an MPD", "/v/x/m.mpd", "", "", 0, 0},
		{"whose numbers are others", "/v/x/v/3.m4s", "", "video", 42, 4000},
		{"a time", "/v/x/t-1700000004000.m4s", "", "audio", 1_700_000_004_000, 4000},
		{"one of no segment", "/v/x/t-1700000004001.m4s", "", "audio", 1_700_000_004_000, 4000},
		{"a file with an index, whole", "/v/x/one.mp4", "", "subtitles", 3, 4000},
		{"a part of it", "/v/x/one.mp4", span(begin, 1000), "subtitles", 1, 0},
		{"the next part", "/v/x/one.mp4", span(begin+1000, 2000), "subtitles", 2, 2000},
	}
}

// TestPositionsMoveInEveryKindOfManifest plays a session through one origin's
// manifests of every kind.
func TestPositionsMoveInEveryKindOfManifest(t *testing.T) {
	o, begin := everyKind(t)
	_, edges := startRing(t, 2, o)
	e := edges[0]
	id, reason := open(t, e, 1, "/v/x/")
	if reason != "" {
		t.Fatal(reason)
	}
	prefix := e.url + "/s/" + tokenOf(id, "/v/x/")
	tracks := func() map[string]wire.Track {
		list, _ := e.member.Sessions(10)
		got := map[string]wire.Track{}
		for _, track := range list[0].Tracks {
			got[track.Kind.String()] = track
		}
		return got
	}
	for _, c := range evening(begin) {
		// In a goroutine and on a loop; a part that fills the store would be given whole.
		if c.part != "" {
			get(t, e.url+c.path)
			eventually(t, c.path+" is stored", func() bool { return e.store.Has(c.path) })
		}
		for range 2 {
			var header []string
			if c.part != "" {
				header = []string{"Range", c.part}
			}
			if resp, body := get(t, prefix+c.path, header...); resp.StatusCode >= 300 {
				t.Fatalf("%s: %s %q", c.path, resp.Status, body)
			}
			eventually(t, c.what+" moves the position", func() bool {
				got, ok := tracks()[c.kind]
				return c.kind == "" || c.sequence == nowhere && !ok || ok && got.Sequence == c.sequence && got.Time == c.time && got.Duration == 2000
			})
		}
	}
	want := wire.Track{Kind: wire.SubtitlesTrack, Manifest: "/v/x/m.mpd", Target: "/v/x/one.mp4", First: int64(begin + 1000), Last: int64(begin + 2999), Sequence: 2, Time: 2000, Duration: 2000}
	got := tracks()["subtitles"]
	if got.At = 0; got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := tracks()["video"]; got.Manifest != "/v/x/v.m3u8" {
		t.Errorf("the session's numbers come from %s", got.Manifest)
	}
}

// TestWhatAPlaylistNamesAlongIsNoPlaylistOfTheSession: lists of advertisements and the
// like are asked for over and over, and push none of the playlists out of which the
// session's positions are read, in a goroutine or on a loop.
func TestWhatAPlaylistNamesAlongIsNoPlaylistOfTheSession(t *testing.T) {
	o, _ := everyKind(t)
	playlists := o.serve
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasPrefix(r.URL.Path, "/v/x/ads-") {
			w.Header().Set("Cache-Control", "max-age=600")
			w.Header().Set("Content-Type", "application/json")
			_, _ = fmt.Fprintf(w, `{"ASSETS":[{"URI":"%s/v/ad.m3u8","DURATION":4}]}`, o.URL)
			return true
		}
		return playlists(w, r)
	})
	_, edges := startRing(t, 2, o)
	e := edges[0]
	id, _ := open(t, e, 1, "/v/x/")
	prefix := e.url + "/s/" + tokenOf(id, "/v/x/")
	for _, path := range []string{"/v/x/top.m3u8", "/v/x/v.m3u8"} {
		get(t, prefix+path)
	}
	for i := range 2 * wire.MaxManifests {
		for range 3 {
			if resp, body := get(t, fmt.Sprintf("%s/v/x/ads-%d.json", prefix, i)); resp.StatusCode != http.StatusOK || !strings.Contains(string(body), "/s/") {
				t.Fatal(resp.Status, string(body))
			}
		}
	}
	get(t, prefix+"/v/x/v/2.m4s")
	eventually(t, "the position is in its playlist", func() bool {
		tracks := e.member.Tracks(id)
		return len(tracks) == 1 && tracks[0].Sequence == 41 && tracks[0].Manifest == "/v/x/v.m3u8"
	})
}

// TestSegmentThatTheOriginLedToMovesThePosition: the redirect is kept or not, leads
// elsewhere on the origin, once or twice, and what it leads to is the segment that the
// playlist names.
func TestSegmentThatTheOriginLedToMovesThePosition(t *testing.T) {
	o, _ := everyKind(t)
	playlists := o.serve
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		for from, to := range map[string]string{"/v/x/v/1.m4s": "/cache/1.m4s?sig=1#f", "/v/x/v/2.m4s": o.URL + "/mid/2.m4s", "/mid/2.m4s": "../far/2.m4s"} {
			if r.URL.Path == from {
				w.Header().Set("Location", to)
				if r.URL.Path != "/v/x/v/1.m4s" {
					w.Header().Set("Cache-Control", "max-age=600")
				}
				w.WriteHeader(http.StatusFound)
				return true
			}
		}
		return playlists(w, r)
	})
	_, edges := startRing(t, 2, o)
	e := edges[0]
	id, _ := open(t, e, 1, "/v/x/")
	prefix := e.url + "/s/" + tokenOf(id, "/v/x/")
	get(t, prefix+"/v/x/v.m3u8")
	for n, target := range []string{"/v/x/v/1.m4s", "/v/x/v/2.m4s"} {
		if resp, _ := get(t, prefix+target); resp.StatusCode != http.StatusOK || resp.Request.URL.Path == target {
			t.Fatal(resp.Status, resp.Request.URL)
		}
		eventually(t, target+" moves the position", func() bool {
			tracks := e.member.Tracks(id)
			return len(tracks) == 1 && tracks[0].Sequence == int64(40+n) && tracks[0].Target == target
		})
	}
}

// TestWhatTheOriginLedToIsMadeReady: a session's next segment is got ahead where it is,
// whether the answer that leads there is kept or not.
func TestWhatTheOriginLedToIsMadeReady(t *testing.T) {
	o := newOrigin(t)
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		to := map[string]string{
			"/1.ts": "/cache/1.ts?sig=1#f", "/2.ts": o.URL + "/mid/2.ts", "/mid/2.ts": "../far/2.ts", "/kept.ts": "/far/kept.ts",
			"/loop.ts": "/loop.ts", "/abroad.ts": "http://far.example/1.ts",
		}[r.URL.Path]
		if to == "" {
			return false
		}
		w.Header().Set("Location", to)
		if r.URL.Path == "/kept.ts" {
			w.Header().Set("Cache-Control", "max-age=600")
		}
		w.WriteHeader(http.StatusFound)
		return true
	})
	e := startEdge(t, Config{Origin: o.URL})
	for range 2 {
		for target, want := range map[string]string{"/plain.ts": "/plain.ts", "/1.ts": "/cache/1.ts?sig=1", "/2.ts": "/far/2.ts", "/kept.ts": "/far/kept.ts"} {
			if at, err := e.fetch.Fill(t.Context(), target, 0, e.cfg.query); err != nil || at != want || !e.store.Has(want) {
				t.Errorf("%s: at %s, %v", target, at, err)
			}
		}
	}
	for _, target := range []string{"/loop.ts", "/abroad.ts"} {
		if at, err := e.fetch.Fill(t.Context(), target, 0, e.cfg.query); err == nil {
			t.Errorf("%s: at %s", target, at)
		}
	}
}
