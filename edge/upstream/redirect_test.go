package upstream

import (
	encoding "encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
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

// An origin that leads all that is asked by http to itself by https is asked by https: led
// back, a viewer would be led so without end.
func TestAnOriginThatLeadsToHTTPSIsAskedByIt(t *testing.T) {
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/b/old":
			http.Redirect(w, r, "/b/new", http.StatusFound)
		case "/b/away":
			http.Redirect(w, r, "https://"+r.Host+"/b/new", http.StatusFound)
		default:
			fmt.Fprint(w, r.RequestURI, " ", r.Header.Get("X-Key"), " ", r.Header.Get("Authorization"))
		}
	}))
	defer secure.Close()
	var to string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, to+r.RequestURI, http.StatusMovedPermanently)
	}))
	defer s.Close()
	u := of(strings.Replace(s.URL, "http://", "http://u:p@", 1) + "/b")
	u.Fields, u.CA = map[string]string{"X-Key": "k"}, string(encoding.EncodeToMemory(&encoding.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw}))
	x := newUnder(t, nil, u)
	to = secure.URL
	x.says("/1?x=%2F", "/b/1?x=%2F k Basic dTpw")
	x.says("/2", "/b/2 k Basic dTpw")
	if told := strings.Count(x.log.String(), "leads to https"); told != 1 {
		t.Errorf("told %d times: %s", told, x.log)
	}
	for _, asked := range []string{"/old", "/away"} { // its own redirects lead to where viewers ask
		resp, err := x.Do(t.Context(), &Request{Method: http.MethodGet, Target: asked})
		if err != nil || resp.StatusCode != http.StatusFound || resp.Header.Get("Location") != "/new" {
			t.Fatal(asked, resp, err)
		}
		_ = resp.Body.Close()
	}
	u.Host = "example.com" // which the certificate names
	x = newUnder(t, nil, u)
	to = strings.Replace(secure.URL, "127.0.0.1", "example.com", 1)
	x.says("/3", "/b/3 k Basic dTpw")
	for _, other := range []string{secure.URL + "/c", "https://far.test", s.URL + "/c", strings.Replace(secure.URL, "127.0.0.1", "127.0.0.2", 1)} {
		to = other
		if status, _, err := x.get("/1"); status != http.StatusMovedPermanently || err != nil {
			t.Errorf("a redirect to %s: %d, %v", other, status, err)
		}
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

// What an origin says is followed to no place that it could not reach itself: not to this
// machine, what hangs on its link, or a listener of the cluster, by whatever name; unless the
// origin is there itself.
func TestNoRedirectLeadsToThisMachine(t *testing.T) {
	asked := atomic.Int64{}
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer inside.Close()
	_, port, err := net.SplitHostPort(strings.TrimPrefix(inside.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	names := func(host string) []string {
		return map[string][]string{"far.test": {"192.0.2.1"}, "rebound.test": {"127.0.0.1"}, "mapped.test": {"::ffff:127.0.0.1"}, "both.test": {"169.254.169.254", "fe80::1"}}[host]
	}
	x := newUnder(t, names, of("http://far.test:1"))
	g := (*x.groups.Load())[0]
	led := func(g *group, to string) error {
		u, err := url.Parse(to)
		if err != nil {
			t.Fatal(err)
		}
		s, err := g.elsewhere(u, nil)
		if err != nil {
			t.Fatal(err)
		}
		a := s.try(t.Context(), &Request{Method: http.MethodGet, Target: "/"}, false)
		a.drop()
		return a.err
	}
	for _, host := range []string{"127.0.0.1", "127.8.8.8", "[::1]", "0.0.0.0", "[::]", "[::ffff:127.0.0.1]", "rebound.test", "mapped.test", "both.test", "169.254.169.254", "[fe80::1]", "224.0.0.1"} {
		if err := led(g, "http://"+host+":"+port); !errors.Is(err, ErrLed) {
			t.Errorf("%s: %v", host, err)
		}
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("asked %d times", n)
	}
	here := (*newUnder(t, names, of("http://127.0.0.1:1")).groups.Load())[0]
	if err := led(here, inside.URL); err != nil {
		t.Error("from this machine:", err)
	}
	if err := led(here, "http://169.254.169.254:1"); !errors.Is(err, ErrLed) {
		t.Error("from this machine to the link:", err)
	}
	for _, listener := range []string{"127.0.0.1:" + port, ":" + port, "http://[::]:" + port, "rebound.test:" + port} {
		here.u.deps.Listeners = func() []string { return []string{"", "127.0.0.1:1", listener} }
		if err := here.mayLead(t.Context(), netip.MustParseAddrPort("127.0.0.1:"+port)); !errors.Is(err, ErrLed) {
			t.Errorf("a listener at %s: %v", listener, err)
		}
		if err := here.mayLead(t.Context(), netip.MustParseAddrPort("127.0.0.1:1")); err != nil {
			t.Error("the origin itself:", err)
		}
	}
}

func TestARedirectThatIsNotFollowedIsToldAndCounted(t *testing.T) {
	inside, asked := saying(t, 200, "")
	s := newElsewhere(t)
	s.location = inside
	u := of(s.URL)
	u.Redirects = wire.RedirectFollow
	x := newUnder(t, nil, u)
	x.deps.Listeners = func() []string { return []string{inside} }
	_, _, err := x.get("/1.ts")
	if !errors.Is(err, ErrLed) || !errors.Is(err, ErrAnswer) || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), s.URL) || asked.Load() != 0 {
		t.Error(err, asked.Load())
	}
	if n := x.Figures()[0].Tries["misled"]; n != 1 {
		t.Errorf("counted %d times", n)
	}
}

// A viewer's own credentials are the origin's, and nobody's that it names.
func TestAViewerIsNotRecognisedElsewhere(t *testing.T) {
	far, said := newElsewhere(t), http.Header{}
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { said = r.Header.Clone() }))
	defer other.Close()
	far.location = other.URL
	u := of(far.URL)
	u.Redirects = wire.RedirectFollow
	h := http.Header{"Authorization": {"Bearer v"}, "Cookie": {"c=1"}, "Proxy-Authorization": {"x"}, "Accept": {"video/mp4"}}
	if _, _, err := newUnder(t, nil, u).ask(&Request{Method: http.MethodGet, Target: "/1.ts", Header: h}); err != nil {
		t.Fatal(err)
	}
	if said.Get("Authorization")+said.Get("Cookie")+said.Get("Proxy-Authorization") != "" || said.Get("Accept") != "video/mp4" || len(h) != 4 {
		t.Error(said, h)
	}
}

// A loop ends where it closes; one that has a new name each time after five.
func TestALoopIsAskedFiveTimesAtMost(t *testing.T) {
	n := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n++
		to := map[string]string{"/1": "/2", "/2": "/1", "/new": fmt.Sprint("/new?", n)}[r.URL.Path]
		http.Redirect(w, r, to, http.StatusFound)
	}))
	defer s.Close()
	u := of(s.URL)
	u.Redirects = wire.RedirectFollow
	x := newUnder(t, nil, u)
	for target, want := range map[string]int{"/1": 2, "/new": 1 + maxRedirects} {
		n = 0
		if _, _, err := x.get(target); !errors.Is(err, ErrAnswer) || n != want {
			t.Errorf("%s: asked %d times, want %d; %v", target, n, want, err)
		}
	}
}
