package origin

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"testing"
	"time"

	"tandem/internal/wire"
)

func TestOriginSendsToTheEdgeThatIsNamed(t *testing.T) {
	secret := multicastSecret(t)
	type arrival struct {
		path, body string
		header     http.Header
	}
	arrived := make(chan arrival, 10)
	answers := make(chan int, 10)
	edge := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		arrived <- arrival{r.Method + " " + r.RequestURI, string(body), r.Header}
		select {
		case status := <-answers:
			w.WriteHeader(status)
		case <-r.Context().Done(): // nobody expects it
		}
	}))
	t.Cleanup(edge.Close) // after the origin has ended
	dir := t.TempDir()
	write(t, dir, "film/1 a.ts", "segment")
	o := start(t, Config{Media: dir}, Deps{Secret: secret})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- o.Run(ctx) }()

	// Fails once, then goes through: both attempts carry the whole object.
	answers <- 503
	answers <- 204
	answer, body := o.get(t, "/film/1%20%61.ts?x=1%2f", wire.HeaderAuth, secret.Bearer(), wire.HeaderDest, edge.URL, wire.HeaderPair, "7")
	if body != "segment" || answer.Header.Get(wire.HeaderDest) != edge.URL {
		t.Errorf("the edge that asked got %q, told %q", body, answer.Header.Get(wire.HeaderDest))
	}
	for range 2 {
		a := soon(t, arrived)
		if a.path != "PUT /_tandem/object/film/1%20%61.ts?x=1%2f" || a.body != "segment" || a.header.Get(wire.HeaderAuth) != secret.Bearer() || a.header.Get(wire.HeaderPair) != "7" ||
			len(a.header.Get(wire.HeaderDigest)) != 64 || len(a.header.Get("ETag")) != 34 || a.header.Get("Content-Type") != "video/mp2t" {
			t.Errorf("%+v", a)
		}
	}
	// From a viewer, to a strange place, or of nothing: not sent.
	if answer, _ := o.get(t, "/film/1%20a.ts", wire.HeaderDest, edge.URL); answer.Header.Get(wire.HeaderDest) != "" {
		t.Error("a viewer was told that it is sent")
	}
	for _, bad := range []string{"file:///etc", "http://[::1", ""} {
		if answer, _ := o.get(t, "/film/1%20a.ts", wire.HeaderAuth, secret.Bearer(), wire.HeaderDest, bad); answer.Header.Get(wire.HeaderDest) != "" {
			t.Errorf("an edge was told that %q is sent to", bad)
		}
	}
	o.get(t, "/film/none.ts", wire.HeaderAuth, secret.Bearer(), wire.HeaderDest, edge.URL)
	o.ask(t, http.MethodHead, "/film/1%20a.ts", nil, wire.HeaderAuth, secret.Bearer(), wire.HeaderDest, edge.URL)
	stop()
	if err := soon(t, ended); err != nil {
		t.Fatal(err)
	}
	if len(arrived) > 0 {
		t.Errorf("%d more were sent", len(arrived))
	}
	if n := value(t, o, "tandem_origin_deliveries_total"); n != 4 { // one done, three refused
		t.Errorf("%v deliveries counted, want 4", n)
	}
}

// TestWhatAnEdgeIsSentIsAsItIsServed: whole and with its fields, once more where it could not
// be taken, and not where it is refused.
func TestWhatAnEdgeIsSentIsAsItIsServed(t *testing.T) {
	secret, err := wire.NewSecret("a secret that only tests know")
	if err != nil {
		t.Fatal(err)
	}
	answers, arrived := make(chan int, 10), make(chan *http.Request, 10)
	edge := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		arrived <- r
		w.Header().Set("Location", "/elsewhere")
		select {
		case status := <-answers:
			w.WriteHeader(status)
		case <-r.Context().Done(): // nobody expects it
		}
	}))
	t.Cleanup(edge.Close) // after the origin has ended
	dir := t.TempDir()
	write(t, dir, "film/1.ts", "segment")
	write(t, dir, "film/none.ts", "")
	write(t, dir, "film/index.m3u8", vodList)
	o := start(t, Config{Media: dir, Name: "origin-1"}, Deps{Secret: secret})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- o.Run(ctx) }()
	auth := []string{wire.HeaderAuth, secret.Bearer(), wire.HeaderDest, edge.URL + "/"}
	for what, c := range map[string]struct {
		path    string
		answers []int
		size    int64
	}{
		"taken": {"/film/1.ts", []int{200}, 7}, "of no bytes": {"/film/none.ts", []int{204}, 0}, "refused": {"/film/1.ts", []int{409}, 7},
		"sent elsewhere": {"/film/1.ts", []int{302}, 7}, "twice in vain": {"/film/1.ts", []int{500, 503}, 7},
	} {
		for _, status := range c.answers {
			answers <- status
		}
		served, _ := o.get(t, c.path, auth...)
		for range c.answers {
			sent := soon(t, arrived)
			if sent.ContentLength != c.size || sent.Header.Get("Content-Length") != "" && sent.Header.Get("Content-Length") != strconv.FormatInt(c.size, 10) || sent.Header.Get(wire.HeaderFrom) != "origin-1" || sent.URL.Path != wire.PathObject+c.path {
				t.Errorf("%s: %d bytes to %s, %v", what, sent.ContentLength, sent.URL, sent.Header)
			}
			for _, name := range []string{"Content-Type", "ETag", "Cache-Control", "Last-Modified"} {
				if got, want := sent.Header.Get(name), served.Header.Get(name); got != want || want == "" {
					t.Errorf("%s: %s %q, served with %q", what, name, got, want)
				}
			}
		}
	}
	if answer, _ := o.get(t, "/film/index.m3u8", auth...); answer.Header.Get(wire.HeaderDest) != "" {
		t.Error("a playlist was sent")
	}
	stop()
	if err := soon(t, ended); err != nil || len(arrived) > 0 || len(answers) > 0 {
		t.Errorf("%v; %d more were sent, %d less", err, len(arrived), len(answers))
	}
}

// soon is what comes next; the test ends when nothing does.
func soon[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	select {
	case one := <-from:
		return one
	case <-time.After(20 * time.Second):
		t.Fatal("nothing came within 20 s")
		panic("not reached")
	}
}

// TestWhereAnOriginSends: to edges and groups, whatever a request names.
func TestWhereAnOriginSends(t *testing.T) {
	for text, want := range map[string]bool{
		"http://192.0.2.1:80": true, "https://edge": true, "http://edge/": true, "udp://239.1.2.3:5004": true, "udp://127.0.0.1:5004": true,
		"http://": false, "http://me@edge": false, "http://edge?x": false, "http://edge/x": false, "ftp://edge": false, "edge": false,
		"udp://192.0.2.1:5004": false, "udp://239.1.2.3:0": false, "udp://[ff02::1]:5004": false, "udp://group:5004": false,
	} {
		to, err := url.Parse(text)
		if err != nil || destination(to) != want {
			t.Errorf("%s: %v, %v", text, !want, err)
		}
	}
}
