package upstream

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"tandem/internal/wire"
)

// elsewhere is a server that leads each request to where it is told to.
type elsewhere struct {
	*httptest.Server
	t        *testing.T
	location string
}

func newElsewhere(t *testing.T) *elsewhere {
	s := &elsewhere{t: t}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Location"] = []string{s.location}
		w.WriteHeader(http.StatusFound)
	}))
	t.Cleanup(s.Close)
	return s
}

// leads is the Location that a viewer gets who asks for a target.
func (s *elsewhere) leads(x *under, target, location string) string {
	s.t.Helper()
	s.location = location
	resp, err := x.Do(s.t.Context(), &Request{Method: http.MethodGet, Target: target})
	if err != nil {
		s.t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.Header.Get("Location")
}

// A redirect to the origin itself leads viewers to where they asked, not past the
// edge; one to somebody else is not touched.
func TestRedirectToTheOriginItselfLeadsBack(t *testing.T) {
	s := newElsewhere(t)
	other, _ := saying(t, 200, "")
	host := strings.TrimPrefix(s.URL, "http://")
	for _, base := range []string{"", "/bucket"} {
		u := of(s.URL+base, other)
		u.Host = "media.example.com"
		x := newUnder(t, nil, u)
		for text, want := range map[string]string{
			s.URL + base + "/new.ts":                    "/new.ts",
			s.URL + base + "/a%2Fb//c?x=%20#f":          "/a%2Fb//c?x=%20#f",
			s.URL + base:                                "/",
			"//" + host + base + "/dir/":                "/dir/",
			base + "/new.ts":                            "/new.ts",
			"new.ts":                                    "/dir/new.ts",
			"../new.ts?y":                               "/new.ts?y",
			other + "/2.ts":                             "/2.ts",
			s.URL + base + "//far.test/x?y":             "/.//far.test/x?y",
			base + "/.//far.test/x":                     "/.//far.test/x",
			"http://MEDIA.example.com" + base + "/3.ts": "/3.ts",
			"http://other.test/x.ts":                    "http://other.test/x.ts",
			"https://" + host + base + "/tls.ts":        "https://" + host + base + "/tls.ts",
			"mailto:nobody":                             "mailto:nobody",
		} {
			if got := s.leads(x, "/dir/old.ts", text); got != want {
				t.Errorf("base %q, %s: %s, want %s", base, text, got, want)
			}
		}
	}
}

// What another upstream is asked for, or nobody, is not where a redirect of this one
// leads: it is led there by its own URL.
func TestRedirectOutOfThePrefixIsNotAskedOfAnother(t *testing.T) {
	s := newElsewhere(t)
	other, _ := saying(t, 200, "")
	news, deeper, same := of(s.URL+"/b"), of(other), of(s.URL+"/b")
	news.Prefix, deeper.Prefix, same.Prefix = "/news/", "/news/far/", "/vod/"
	x := newUnder(t, nil, news, deeper, same, of(other))
	for text, want := range map[string]string{
		"/b/news/2.ts":                  "/news/2.ts",
		"/b/vod/2.ts?x":                 "/vod/2.ts?x",
		"/b/cdn/2.ts?x":                 s.URL + "/b/cdn/2.ts?x",
		"../cdn/a%2Fb.ts":               s.URL + "/b/cdn/a%2Fb.ts",
		s.URL + "/b/cdn/2.ts#f":         s.URL + "/b/cdn/2.ts#f",
		s.URL + "/b/news/far/across.ts": s.URL + "/b/news/far/across.ts",
		"/out/2.ts":                     s.URL + "/out/2.ts",
		"../../../out/2.ts":             s.URL + "/out/2.ts",
		"/news/as-if-at-the-root.ts":    "/news/as-if-at-the-root.ts",
		"//far.test/2.ts":               "//far.test/2.ts",
		"http://far.test/a|b%2f?u=/":    "http://far.test/a|b%2f?u=/",
	} {
		if got := s.leads(x, "/news/1.ts", text); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestRedirectIsFollowedWhereThatIsSet(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "elsewhere ", r.RequestURI, r.Header.Get("Authorization"), r.Header.Get("X-Key"))
	}))
	defer elsewhere.Close()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		to := map[string]string{"/b/1": "/b/2?x", "/b/2": "3", "/b/loop": "loop", "/b/away": elsewhere.URL + "/sig?a%2Fb", "/b/ftp": "ftp://x/"}[r.URL.Path]
		if to == "" {
			fmt.Fprint(w, "here ", r.RequestURI, r.Header.Get("X-Key"))
			return
		}
		http.Redirect(w, r, to, http.StatusFound)
	}))
	defer s.Close()
	u := of(strings.Replace(s.URL, "http://", "http://u:p@", 1) + "/b")
	u.Redirects, u.Fields = wire.RedirectFollow, map[string]string{"X-Key": "k"}
	x := newUnder(t, nil, u)
	x.says("/1", "here /b/3k")
	x.says("/away", "elsewhere /sig?a%2Fb")
	if _, _, err := x.get("/loop"); !errors.Is(err, ErrAnswer) {
		t.Error("a loop:", err)
	}
	if status, _, err := x.get("/ftp"); status != 302 || err != nil {
		t.Error("what can't be followed:", status, err)
	}
	if status, _, err := x.ask(&Request{Method: http.MethodPost, Target: "/1", Body: strings.NewReader("")}); status != 302 || err != nil {
		t.Error("POST:", status, err)
	}
}

func TestURLOfAnUpstreamIsKnown(t *testing.T) {
	news := of("http://a.test/n", "http://b.test:8080")
	news.Prefix = "/news/"
	x := newUnder(t, local, news, of("http://c.test/base"))
	for text, want := range map[string]string{
		"http://a.test/n/news/1.ts": "/news/1.ts", "http://b.test:8080/news/1.ts?x": "/news/1.ts?x", "http://c.test/base/1": "/1", "http://c.test/base//x/1?y": "/.//x/1?y", "http://a.test/n/else": "",
		"http://c.test/1": "", "http://d.test/": "", "https://c.test/base/1": "",
	} {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := x.Target(u); got != want || ok != (want != "") {
			t.Errorf("%s: %q", text, got)
		}
	}
	if hosts := strings.Join(x.Hosts(), " "); hosts != "a.test b.test:8080 c.test" {
		t.Error(hosts)
	}
}
