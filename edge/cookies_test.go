package edge

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"slices"
	"strings"
	"testing"
)

// TestCookiesHoldWhereTheSessionAsks: an origin that gives a cookie with the playlist,
// for its folder, and wants it with each segment.
func TestCookiesHoldWhereTheSessionAsks(t *testing.T) {
	o := newOrigin(t)
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Cache-Control", "no-store")
		if strings.HasSuffix(r.URL.Path, ".m3u8") {
			w.Header().Add("Set-Cookie", "hdntl=ok; Path=/v/x/; HttpOnly")
			w.Header().Add("Set-Cookie", "all=1; path = /")
			w.Header().Add("Set-Cookie", "here=Path=/; Secure")
			w.Header().Add("Set-Cookie", "__Host-id=1; Path=/; Secure")
			_, _ = io.WriteString(w, segments(0, 1, "/v/x/%d.ts", "#EXT-X-ENDLIST\n"))
			return true
		}
		if c, err := r.Cookie("hdntl"); err != nil || c.Value != "ok" {
			w.WriteHeader(http.StatusForbidden)
		}
		return true
	})
	_, edges := startRing(t, 2, o)
	id, _ := open(t, edges[0], 1, "/v/x/")
	prefix := "/s/" + tokenOf(id, "/v/x/")
	for _, e := range edges { // one of them asks the other
		resp, _ := get(t, e.url+prefix+"/v/x/a.m3u8")
		want := []string{"hdntl=ok; Path=" + prefix + "/v/x/; HttpOnly", "all=1; path =" + prefix + "/", "here=Path=/; Secure", "__Host-id=1; Path=/; Secure"}
		if got := resp.Header["Set-Cookie"]; !slices.Equal(got, want) {
			t.Errorf("%s: %q", e.cfg.Name, got)
		}
		jar, _ := cookiejar.New(nil)
		jar.SetCookies(resp.Request.URL, resp.Cookies())
		client := http.Client{Jar: jar}
		if resp, err := client.Get(e.url + prefix + "/v/x/0.ts"); err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %v, %v", e.cfg.Name, resp, err)
		} else {
			resp.Body.Close()
		}
	}
	if resp, _ := get(t, edges[0].url+"/v/x/a.m3u8"); !strings.HasPrefix(resp.Header.Get("Set-Cookie"), "hdntl=ok; Path=/v/x/;") {
		t.Error(resp.Header)
	}
}
