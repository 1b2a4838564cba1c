package edge

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"tandem/edge/rules"
)

// saidOrigin answers with what it was asked by, and varies as the query says.
func saidOrigin(t *testing.T) *testOrigin {
	o := newOrigin(t)
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		q, h := r.URL.Query(), w.Header()
		h.Set("Cache-Control", q.Get("cc"))
		if vary := q.Get("vary"); vary != "" {
			h.Set("Vary", vary)
		}
		_, _ = fmt.Fprintf(w, "%s|%s|%s|%s|%s", r.Header.Get("Accept-Language"), r.Header.Get("X-Device"), r.Header.Get("Authorization"), r.Header.Get("User-Agent"), r.Header.Get("Cookie"))
		return true
	})
	return o
}

// In a cluster an answer that varies is kept by variant, and whatever is not kept
// costs the origin one request a viewer, through whichever member it comes.
func TestClusterAsksTheOriginOnceAVariant(t *testing.T) {
	o := saidOrigin(t)
	_, edges := startRing(t, 2, o)
	for n := range 6 { // both members are the filler of some
		path := fmt.Sprintf("/v/x/%d.bin", n)
		url := path + "?cc=max-age%3D60&vary=Accept-Language,+X-Device"
		asked := 0
		for _, c := range []struct {
			lang, device string
			more         int
		}{{"de", "", 1}, {"de", "", 0}, {"en", "tv", 1}, {"", "", 1}, {"en", "tv", 0}, {"", "", 0}, {"de", "", 0}} {
			resp, body := get(t, edges[0].url+url, append(asNode(), fieldsOf("Accept-Language", c.lang, "X-Device", c.device)...)...)
			if asked += c.more; o.count(path) != asked || !strings.HasPrefix(string(body), c.lang+"|"+c.device+"|") {
				t.Fatalf("%s %+v: %q, asked %d times, want %d; %v", path, c, body, o.count(path), asked, resp.Header)
			}
			eventually(t, "no fill runs", func() bool { return !filling(edges, url) })
		}
		for _, cc := range []string{"no-store", "private", "max-age%3D60"} {
			path := fmt.Sprintf("/v/x/%d/%d.bin", n, len(cc))
			for i, e := range []*testEdge{edges[0], edges[1], edges[0]} {
				user := fmt.Sprint("user ", i)
				if _, body := get(t, e.url+path+"?cc="+cc, append(asNode(), "Authorization", user)...); !strings.Contains(string(body), "|"+user+"|") {
					t.Errorf("%s, %s got %q", cc, user, body)
				}
				if asked := o.count(path); asked != i+1 {
					t.Errorf("%s %s: asked %d times for %d viewers", path, cc, asked, i+1)
				}
			}
		}
	}
}

// What varies by who asks is kept for each who says the same, once a viewer has found out, and
// costs the origin no more than a request a viewer.
func TestViewersAskOnceEachForWhatVariesByUserAgent(t *testing.T) {
	o := saidOrigin(t)
	_, edges := startRing(t, 2, o)
	for n := range 6 {
		path := fmt.Sprintf("/v/x/%d.ts", n)
		for i, e := range []*testEdge{edges[0], edges[1], edges[0], edges[1], edges[0], edges[1]} {
			player := fmt.Sprint("player ", i/2)
			if _, body := get(t, e.url+path+"?cc=max-age%3D60&vary=User-Agent", append(asNode(), "User-Agent", player)...); !strings.Contains(string(body), "|"+player+"|") {
				t.Errorf("%s got %q", player, body)
			}
			most := 1 + i/2
			if n == 0 { // one of them finds out
				most++
			}
			if n == 1 && i > 0 { // each edge knows that of a folder of its own accord
				most++
			}
			if asked := o.count(path); asked > most {
				t.Errorf("%s: asked %d times for %d viewers, want %d at most", path, asked, i+1, most)
			}
			eventually(t, "no fill runs", func() bool { return !filling(edges, path+"?cc=max-age%3D60&vary=User-Agent") })
		}
	}
	// Siblings that don't vary are shared again by the second one.
	for n := range 4 {
		path := fmt.Sprintf("/v/x/s%d.ts", n)
		for _, e := range []*testEdge{edges[0], edges[1], edges[0], edges[1]} {
			get(t, e.url+path+"?cc=max-age%3D60", append(asNode(), "User-Agent", "p")...)
		}
		if asked := o.count(path); asked > 1 && n > 1 {
			t.Errorf("%s: asked %d times", path, asked)
		}
	}
}

// fieldsOf leaves out those without a value.
func fieldsOf(list ...string) (some []string) {
	for i := 0; i < len(list); i += 2 {
		if list[i+1] != "" {
			some = append(some, list[i], list[i+1])
		}
	}
	return some
}

// filling tells whether an object, or a variant of it, is being filled.
func filling(edges []*testEdge, key string) bool {
	for _, e := range edges {
		if e.store.Filling(key) {
			return true
		}
		for i := range rules.Variants {
			if e.store.Filling(fmt.Sprintf("%s\x00%d", key, i)) {
				return true
			}
		}
	}
	return false
}

// What a field that nobody knows makes of an answer is given to nobody who does not
// send it: and a herd that finds it there costs the origin one more request.
func TestOddFieldDecidesForNobodyElse(t *testing.T) {
	o := newOrigin(t)
	gate := make(chan struct{})
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Cache-Control", "max-age=60")
		said := "plain"
		for _, name := range []string{"X-Custom", "X-Http-Destinationurl", "X-Forwarded-Host", "User-Agent", "Referer", "Sec-Fetch-Dest", "X-Real-Ip", "Cookie"} {
			if r.Header.Get(name) == "EVIL" {
				said = "EVIL by " + name
			}
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(said)))
		w.(http.Flusher).Flush()
		if said != "plain" && strings.Contains(r.URL.Path, "slow") {
			<-gate
		}
		_, _ = io.WriteString(w, said)
		return true
	})
	e := startEdge(t, Config{Origin: o.URL})
	for i, name := range []string{"X-Custom", "X-Http-Destinationurl", "X-Forwarded-Host", "User-Agent", "Referer", "Sec-Fetch-Dest", "X-Real-Ip", "Cookie"} {
		url := fmt.Sprintf("%s/%d.m4s", e.url, i)
		get(t, url, name, "EVIL")
		for range 2 {
			if _, body := get(t, url); string(body) != "plain" {
				t.Errorf("%s: %q", name, body)
			}
		}
		if _, body := get(t, url, name, "other", "Accept-Language", "de"); name != "X-Custom" && name != "X-Http-Destinationurl" && string(body) != "plain" {
			t.Errorf("%s with another value: %q", name, body)
		}
		if n := o.count(fmt.Sprintf("/%d.m4s", i)); n > 2 {
			t.Errorf("%s: asked %d times", name, n)
		}
	}
	var odd, herd sync.WaitGroup
	odd.Go(func() {
		if _, body := get(t, e.url+"/slow.m4s", "X-Custom", "EVIL"); string(body) != "EVIL by X-Custom" {
			t.Errorf("who sent it got %q", body)
		}
	})
	eventually(t, "its answer has begun", func() bool { return e.store.Filling("/slow.m4s") && o.count("/slow.m4s") == 1 })
	for i := range 30 {
		herd.Go(func() {
			if _, body := get(t, e.url+"/slow.m4s", fmt.Sprint("X-Own-", i), "1"); string(body) != "plain" {
				t.Errorf("one of the herd got %q", body)
			}
		})
	}
	herd.Wait()
	close(gate)
	odd.Wait()
	if n := o.count("/slow.m4s"); n != 2 {
		t.Errorf("asked %d times for the herd and the odd one", n)
	}
}

// An origin that lets pages read with credentials says to which; who asks without
// gets the edge's word, which is for all.
func TestOriginsWordOnCredentialsStands(t *testing.T) {
	o := newOrigin(t)
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		h := w.Header()
		h.Set("Cache-Control", "max-age=60")
		if !strings.Contains(r.URL.Path, "silent") {
			h.Set("Vary", "Origin")
		}
		if from := r.Header.Get("Origin"); from != "" && from != "https://c.test" {
			h.Set("Access-Control-Allow-Origin", from)
			h.Set("Access-Control-Allow-Credentials", "true")
			h.Set("Access-Control-Expose-Headers", "X-Of-Origin")
		}
		if strings.Contains(r.URL.Path, "own") {
			h.Set("Cache-Control", "no-store")
		}
		_, _ = io.WriteString(w, "body")
		return true
	})
	_, ring := startRing(t, 2, o)
	alone := startEdge(t, Config{Origin: o.URL})
	for what, base := range map[string]string{"alone": alone.url, "a member": ring[0].url} {
		for _, path := range []string{"/v/x/k.ts", "/v/x/own.bin", "/v/x/silent.ts", "/v/x/silent-own.bin"} {
			for round := range 2 {
				for _, c := range []struct{ from, cookie, want, allowed string }{
					{"", "", "*", ""},
					{"https://a.test", "signed", "https://a.test", "true"},
					{"https://b.test", "signed", "https://b.test", "true"},
					{"https://c.test", "signed", "*", ""},
				} {
					resp, _ := get(t, base+path, append(asNode(), fieldsOf("Origin", c.from, "Cookie", c.cookie)...)...)
					if got, allowed := resp.Header.Get("Access-Control-Allow-Origin"), resp.Header.Get("Access-Control-Allow-Credentials"); got != c.want || allowed != c.allowed || len(resp.Header.Values("Access-Control-Allow-Origin")) != 1 {
						t.Errorf("%s, %s, round %d, from %q: %v", what, path, round, c.from, resp.Header)
					}
					vary, may := strings.Join(resp.Header["Vary"], ", "), strings.Join(resp.Header["Access-Control-Expose-Headers"], ", ")
					if allowed := c.allowed != ""; allowed && !strings.Contains(vary, "Origin") || !strings.Contains(may, "Content-Range") || strings.Contains(may, "X-Of-Origin") != allowed {
						t.Errorf("%s, %s, round %d, from %q: Vary %q, pages may read %q", what, path, round, c.from, vary, may)
					}
				}
			}
		}
	}
	for _, path := range []string{"/v/x/k.ts", "/v/x/silent.ts"} {
		if n := o.count(path); n > 10 {
			t.Errorf("%s: asked %d times", path, n)
		}
		eventually(t, "both have the copy for those without credentials of "+path, func() bool { return common(ring[0], path) && common(ring[1], path) })
	}
}

// common tells that an edge has a copy for everybody but pages that ask with credentials.
func common(e *testEdge, path string) bool {
	view, ok := e.store.Peek(path)
	if ok {
		defer view.Close()
	}
	return ok && rules.Common(view.Meta().Vary)
}

// What an origin says of a request and not of the object (400, 401, 403 and their like),
// and lets be kept, is for those alone who ask with the same fields: who sends what the
// origin finds malformed, or shows nothing, shuts nobody else out.
func TestErrorOfARequestIsNobodyElses(t *testing.T) {
	o := newOrigin(t)
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Cache-Control", "max-age=60")
		switch {
		case strings.Contains(fmt.Sprint(r.Header), "EVIL"):
			w.WriteHeader(http.StatusBadRequest)
		case strings.HasPrefix(r.URL.Path, "/closed") && r.Header.Get("Cookie") == "" && r.Header.Get("Authorization") == "":
			w.WriteHeader(http.StatusForbidden)
		}
		_, _ = io.WriteString(w, "x")
		return true
	})
	e := startEdge(t, Config{Origin: o.URL})
	asks := func(path string, status, asked int, fields ...string) {
		t.Helper()
		if resp, _ := get(t, e.url+path, fields...); resp.StatusCode != status || o.count(path) != asked {
			t.Errorf("%s %q: %d, the origin was asked %d times; want %d, %d", path, fields, resp.StatusCode, o.count(path), status, asked)
		}
	}
	for _, name := range []string{"Accept", "Accept-Language", "Origin", "Via", "CDN-Loop"} {
		path := "/by-" + name
		asks(path, http.StatusBadRequest, 1, name, "EVIL")
		asks(path, http.StatusBadRequest, 1, name, "EVIL")
		asks(path, http.StatusOK, 2)
		asks(path, http.StatusOK, 2)
		asks(path, http.StatusOK, 3, name, "other")
	}
	asks("/closed", http.StatusForbidden, 1)
	asks("/closed", http.StatusForbidden, 1)
	asks("/closed", http.StatusOK, 3, "Cookie", "a=1") // once without, for all, and with it
	asks("/closed", http.StatusOK, 4, "Authorization", "Basic x")
	asks("/closed", http.StatusForbidden, 4)
}

// An origin that makes something of the ways by which a request came, and says so in no
// Vary, decides for nobody who comes by another way: what a stranger writes there stays his.
func TestWhatSaysByWhichWayARequestCameIsNobodyElses(t *testing.T) {
	o := newOrigin(t)
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Cache-Control", "max-age=60")
		_, _ = fmt.Fprint(w, r.Header)
		return true
	})
	e := startEdge(t, Config{Origin: o.URL})
	for i, name := range []string{"Via", "CDN-Loop"} {
		path := fmt.Sprintf("/way%d.m4s", i)
		for range 2 {
			if _, body := get(t, e.url+path, name, "EVIL"); !strings.Contains(string(body), "EVIL") {
				t.Errorf("%s does not go along: %s", name, body)
			}
		}
		if _, body := get(t, e.url+path, "X-Other", "1"); strings.Contains(string(body), "EVIL") {
			t.Errorf("%s of another one: %s", name, body)
		}
		get(t, e.url+path, name, "WORSE") // fits what was fetched without
		if _, body := get(t, e.url+path); strings.Contains(string(body), "EVIL") || strings.Contains(string(body), "WORSE") {
			t.Errorf("%s of another one: %s", name, body)
		}
		if n := o.count(path); n > 3 {
			t.Errorf("%s: the origin was asked %d times", name, n)
		}
	}
}

// Every browser sends Accept and Accept-Language: what an origin makes of them without a
// Vary is nobody's, and with one it is each one's.
func TestMediaIsChosenByWhatVaryNamesAlone(t *testing.T) {
	o := newOrigin(t)
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Cache-Control", "max-age=60")
		pad := ""
		if strings.HasPrefix(r.URL.Path, "/varies") {
			w.Header().Set("Vary", "Accept-Language")
			pad = strings.Repeat("\n", 4<<20) // it takes its time to be whole
		}
		_, _ = fmt.Fprint(w, r.Header.Get("Accept"), " ", r.Header.Get("Accept-Language"), pad)
		return true
	})
	e := startEdge(t, Config{Origin: o.URL})
	for _, row := range []struct{ path, language, want string }{
		{"/seg1.m4s", "de", " "},
		{"/seg1.m4s", "en", " "},
		{"/a/x.m3u8", "de", " "},
		{"/thumb.json", "de", "EVIL de"},
		{"/varies1.m4s", "de", " de"},
		{"/varies1.m4s", "en", " en"},
		{"/varies1.m4s", "de", " de"},
		{"/varies1.m4s", "", " "},
	} {
		fields := []string{"Accept", "EVIL"}
		if row.language != "" {
			fields = append(fields, "Accept-Language", row.language)
		}
		if _, body := get(t, e.url+row.path, fields...); strings.Trim(string(body), "\n") != row.want {
			t.Errorf("%s in %q: %.20q, want %q", row.path, row.language, body, row.want)
		}
	}
	if n := o.count("/varies1.m4s"); n != 3 {
		t.Errorf("the origin was asked %d times for three variants", n)
	}
}
