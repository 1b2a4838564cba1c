package edge

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"tandem/internal/media/uri"
)

// TestWhatClimbsOutOfSeveralBasesStaysInTheSession: the same name by any depth, in a
// session and at an edge alone; and no way past what is closed.
func TestWhatClimbsOutOfSeveralBasesStaysInTheSession(t *testing.T) {
	o := newOrigin(t)
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/v/x/m.mpd" {
			return false
		}
		w.Header().Set("Cache-Control", "max-age=600")
		_, _ = io.WriteString(w, `<MPD><BaseURL>/v/x/deep/</BaseURL><BaseURL>/v/</BaseURL><Period><AdaptationSet><SegmentTemplate media="../../n$Number$.m4s" duration="2"/><Representation/></AdaptationSet></Period></MPD>`)
		return true
	})
	_, edges := startRing(t, 2, o)
	alone := startEdge(t, Config{Origin: o.URL})
	id, _ := open(t, edges[0], 1, "/v/x/")
	prefix := "/s/" + tokenOf(id, "/v/x/")
	for url, want := range map[string]string{edges[0].url + prefix: prefix, alone.url: ""} {
		up := want + uri.Deeper + uri.Deeper
		if _, body := get(t, url+"/v/x/m.mpd"); !strings.Contains(string(body), "<BaseURL>"+up+"/v/x/deep/</BaseURL><BaseURL>"+up+"/v/</BaseURL>") || !strings.Contains(string(body), `"../../n`) {
			t.Errorf("%s", body)
		}
		_, first := get(t, url+"/n1.m4s")
		for _, path := range []string{uri.Deeper + uri.Deeper + "/n1.m4s", uri.Deeper + "/n1.m4s"} {
			if resp, body := get(t, url+path); resp.StatusCode != http.StatusOK || string(body) != string(first) {
				t.Errorf("%s: %s", path, resp.Status)
			}
		}
		if resp, _ := get(t, url+uri.Deeper+"/_tandem/placement"); resp.StatusCode == http.StatusOK && want == "" {
			t.Error(resp.Status)
		}
	}
	if n := o.count("/n1.m4s"); n != 2 { // once of the ring, once of the edge alone
		t.Errorf("asked of the origin %d times", n)
	}
}
