package edge

import (
	"net/http"
	"testing"
)

// A session has earned its slot when it was given media, whether that is stored or not,
// on a loop or away; a playlist is none.
func TestASessionThatIsGivenMediaHasEarnedItsSlot(t *testing.T) {
	o := newOrigin(t)
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		switch r.URL.Path {
		case "/v/x/private.m4s":
			w.Header().Set("Cache-Control", "no-store")
		case "/v/x/missing.m4s":
			w.WriteHeader(http.StatusNotFound)
			return true
		case "/v/x/live.m3u8":
			w.Header().Set("Content-Type", "application/vnd.apple.mpegurl")
			_, _ = w.Write([]byte("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n1.m4s\n"))
			return true
		}
		return false
	})
	_, edges := startRingOf(t, 2, o, func(int) Config { return Config{Capacity: 20} })
	e := edges[0]
	for _, c := range []struct {
		path   string
		earned bool
	}{
		{"/v/x/live.m3u8", false}, {"/v/x/missing.m4s", false}, {"/v/x/1.m4s", true}, {"/v/x/1.m4s", true}, {"/v/x/private.m4s", true},
	} {
		id, reason := open(t, e, 1, "/v/x/")
		if reason != "" {
			t.Fatal(reason)
		}
		before := metricOf(t, e, "tandem_edge_provisional_sessions")
		get(t, e.url+"/s/"+tokenOf(id, "/v/x/")+c.path)
		eventually(t, c.path, func() bool { return metricOf(t, e, "tandem_edge_provisional_sessions") < before == c.earned })
	}
	if n := metricOf(t, e, "tandem_edge_provisional_made_way_total"); n != 0 {
		t.Errorf("%v have made way where there is room", n)
	}
}
