package member

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"tandem/edge/manifest"
	"tandem/edge/renewal"
	"tandem/internal/media"
	"tandem/internal/wire"
	"tandem/segstore"
)

// player is a session that plays by manifests of the test's.
type player struct {
	*Positions
	id wire.SessionID
}

func newPlayer(t *testing.T, manifests map[string]string, asked ...string) *player {
	t.Helper()
	store, err := segstore.Open(t.TempDir(), segstore.Options{MaxBytes: 1 << 20, Now: time.Now, Logger: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	c := manifest.New(manifest.Config{Limit: 1 << 20, Memory: 1 << 20}, manifest.Deps{Logger: zerolog.Nop(), Store: store, Origin: func(string) *media.Origin { return media.Unnamed() }})
	for key, body := range manifests {
		c.Keep(c.Parse(key, &segstore.Meta{}, []byte(body)))
	}
	o := newOpenerStage(t, 8)
	v := &player{newPositions(o.s, c, time.Now), o.opens("192.0.2.1", 1)}
	for _, key := range asked {
		v.Asked(v.id.Pair, v.id.Slot, key)
	}
	return v
}

// gets gives the viewer a range of an object of 10,000 bytes, or all of it.
func (v *player) gets(target string, bytes ...int64) {
	d := Delivery{Target: target, Last: 9999, Size: 10_000}
	if len(bytes) == 2 {
		d.First, d.Last = bytes[0], bytes[1]
	}
	v.Delivered(v.id.Pair, v.id.Slot, d)
}

// at are the viewer's positions.
func (v *player) at() string {
	var out []string
	for _, t := range v.Tracks(v.id) {
		out = append(out, fmt.Sprintf("%s %d", t.Kind, t.Sequence))
	}
	return strings.Join(out, ", ")
}

// All renditions may lie in one file, each a list of ranges: what is none of the ranges of
// the list that was asked for last is looked for in the others.
func TestRenditionsInOneFileHaveEachAPosition(t *testing.T) {
	ranges := func(header string, first int) string {
		body := "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MAP:URI=\"all.mp4\",BYTERANGE=\"" + header + "\"\n"
		for i := range 3 {
			body += fmt.Sprintf("#EXTINF:4,\n#EXT-X-BYTERANGE:100@%d\nall.mp4\n", first+100*i)
		}
		return body + "#EXT-X-ENDLIST\n"
	}
	v := newPlayer(t, map[string]string{
		"/m.m3u8": "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"a\",URI=\"a.m3u8\"\n#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=\"a\",CODECS=\"avc1.4d401e,mp4a.40.2\"\nv.m3u8\n",
		"/v.m3u8": ranges("10@0", 10), "/a.m3u8": ranges("10@5000", 5010),
	}, "/m.m3u8", "/v.m3u8", "/a.m3u8")
	for _, step := range []struct {
		first, last int64
		want        string
	}{
		{0, 9, ""},
		{5000, 5009, ""},
		{10, 109, "video 0"},
		{5010, 5109, "video 0, audio 0"},
		{110, 209, "video 1, audio 0"},
		{210, 250, "video 1, audio 0"}, // not all of it
		{5110, 5309, "video 1, audio 2"},
	} {
		if v.gets("/all.mp4", step.first, step.last); v.at() != step.want {
			t.Errorf("bytes %d to %d: %q, want %q", step.first, step.last, v.at(), step.want)
		}
	}
}

// An advertisement stands in a list more than once: the place behind the position is meant,
// and what comes next is what follows there.
func TestANameThatStandsTwiceMovesThePositionOn(t *testing.T) {
	names := []string{"ad", "1", "ad", "2", "slate", "slate", "3", "ad"}
	body := "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:7\n"
	for _, name := range names {
		body += "#EXTINF:4,\n" + name + ".ts\n"
	}
	v := newPlayer(t, map[string]string{"/v.m3u8": body}, "/v.m3u8")
	for i, name := range names {
		v.gets("/" + name + ".ts")
		if want := fmt.Sprint("video ", 7+i); v.at() != want {
			t.Errorf("behind %s.ts it is at %s, want %s", name, v.at(), want)
		}
		next := v.manifests.Behind(&v.Tracks(v.id)[0], 1)
		if i+1 < len(names) && (len(next) != 1 || next[0].Target != "/"+names[i+1]+".ts") {
			t.Errorf("behind %s.ts comes %v, want %s.ts", name, next, names[i+1])
		}
	}
	v.gets("/ad.ts") // once more
	if want := "video 14"; v.at() != want {
		t.Errorf("at %s, want %s", v.at(), want)
	}
	v.gets("/1.ts") // the viewer goes back, and asks for one again
	for _, step := range []struct{ name, want string }{{"ad", "video 9"}, {"ad", "video 9"}, {"2", "video 10"}} {
		if v.gets("/" + step.name + ".ts"); v.at() != step.want {
			t.Errorf("%s.ts: at %s, want %s", step.name, v.at(), step.want)
		}
	}
}

// A player that follows an MPD by its patches asks for the MPD once: what that does not list is
// located by a newer one, which is got for all its viewers together.
func TestWhoFollowsPatchesHasAPosition(t *testing.T) {
	mpd := func(last int) string {
		return fmt.Sprintf(`<MPD type="dynamic" availabilityStartTime="2026-01-01T00:00:00Z" minimumUpdatePeriod="PT1S"><PatchLocation>p.mpp</PatchLocation><Period id="p"><AdaptationSet contentType="video"><SegmentTemplate timescale="1" media="$Time$.m4s" initialization="init.mp4"><SegmentTimeline><S t="100" d="1" r="%d"/></SegmentTimeline></SegmentTemplate><Representation id="v"/></AdaptationSet></Period></MPD>`, last-100)
	}
	synctest.Test(t, func(t *testing.T) {
		v := newPlayer(t, map[string]string{"/m.mpd": mpd(105)}, "/m.mpd")
		ctx, cancel := context.WithCancel(t.Context())
		listed, renewed := 105, 0
		v.renew = func(_ context.Context, key string, _ wire.PairID, _ bool) {
			renewed++
			v.manifests.Keep(v.manifests.Parse(key, &segstore.Meta{Stored: time.Now()}, []byte(mpd(listed))))
		}
		go func() { _ = v.renewals.Run(ctx) }()
		for i, step := range []struct {
			target          string
			listed, renewed int
			want            string
		}{
			{"/105.m4s", 105, 0, "video 105"},
			{"/106.m4s", 108, 1, "video 106"},
			{"/109.m4s", 109, 1, "video 106"}, // a second has not passed
			{"/108.m4s", 109, 1, "video 108"},
			{"/init.mp4", 109, 1, "video 108"},
			{"/p.mpp", 109, 1, "video 108"},
			{"/109.m4s", 109, 2, "video 109"},
			{"/of/another/period.m4s", 109, 3, "video 109"},
		} {
			if i != 2 {
				time.Sleep(renewal.Every)
			}
			listed = step.listed
			v.gets(step.target)
			synctest.Wait()
			if v.at() != step.want || renewed != step.renewed {
				t.Errorf("%s: at %s, the MPD was got %d times; want %s, %d", step.target, v.at(), renewed, step.want, step.renewed)
			}
		}
		cancel()
	})
}

// A session that was taken over before anybody was told what it plays by, as one that was
// opened within the last notice interval, has its positions by what its stream's manifests
// name: a viewer of what is stored has asked for its playlists, and does so no more.
func TestWhoWasTakenOverAtOnceHasAPosition(t *testing.T) {
	const multivariant = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"avc1.4d401e\"\nv.m3u8\n"
	list := func(name string) string {
		return "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n" + name + "0.ts\n#EXTINF:4,\n" + name + "1.ts\n#EXT-X-ENDLIST\n"
	}
	for _, row := range []struct {
		name  string
		kept  map[string]string
		asked []string
		got   int // manifests that are got
		want  string
	}{
		{"its playlist is here", map[string]string{"/v/x/m.m3u8": multivariant, "/v/x/v.m3u8": list("v")}, nil, 0, "video 1"},
		{"it was told of the first one alone", map[string]string{"/v/x/m.m3u8": multivariant, "/v/x/v.m3u8": list("v")}, []string{"/v/x/m.m3u8"}, 0, "video 1"},
		{"its playlist is to be got", map[string]string{"/v/x/m.m3u8": multivariant}, nil, 1, "video 1"},
		{"another film's names the same", map[string]string{"/other/v.m3u8": list("/v/x/v")}, nil, 0, ""},
		{"its own names it as a head", map[string]string{"/v/x/m.m3u8": multivariant, "/v/x/v.m3u8": strings.Replace(list("other"), "#EXTINF", "#EXT-X-MAP:URI=\"v1.ts\"\n#EXTINF", 1), "/v/x/w.m3u8": list("v")}, []string{"/v/x/m.m3u8", "/v/x/v.m3u8"}, 0, ""},
		{"nothing names it", map[string]string{"/v/x/m.m3u8": multivariant, "/v/x/v.m3u8": list("other")}, nil, 0, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			v := newPlayer(t, row.kept, row.asked...)
			ctx, cancel := context.WithCancel(t.Context())
			got := 0
			v.renew = func(_ context.Context, key string, _ wire.PairID, _ bool) {
				got++
				v.manifests.Keep(v.manifests.Parse(key, &segstore.Meta{Stored: time.Now()}, []byte(list("v"))))
			}
			go func() { _ = v.renewals.Run(ctx) }()
			go func() { _ = v.run(ctx) }()
			v.DeliveredSoon(v.id.Pair, v.id.Slot, Delivery{Target: "/v/x/v1.ts", Last: 9999, Size: 10_000})
			synctest.Wait()
			if v.at() != row.want || got != row.got {
				t.Errorf("%s: at %q, %d manifests were got; want %q, %d", row.name, v.at(), got, row.want, row.got)
			}
			for range 100 {
				time.Sleep(renewal.Every)
				v.gets("/v/x/strange.ts")
				synctest.Wait()
			}
			v.tables.at(v.id.Pair, v.id.Slot, func(_ *table, n *session) {
				if n.sought != maxSought {
					t.Errorf("%s: sought %d times", row.name, n.sought)
				}
			})
			cancel()
		})
	}
}
