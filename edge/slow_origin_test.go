package edge

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"tandem/internal/call"
	"tandem/internal/wire"
)

// An origin that says its head at once and its body later keeps a balancer awake by this
// edge: it would take it for one that hangs, and have the origin asked by another edge as
// well, and again by the next. What it hears meanwhile has none of the answer's fields.
func TestABalancerIsToldThatABodyIsWaitedFor(t *testing.T) {
	o, body := newOrigin(t), make(chan struct{}, 1)
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		h := w.Header()
		h.Set("Content-Length", "100000")
		if h.Set("Cache-Control", "no-store"); !strings.Contains(r.URL.Path, "own") {
			h.Set("Cache-Control", "max-age=60")
			h.Set("ETag", `"one"`)
		}
		h.Set("Content-Type", cmp.Or(r.URL.Query().Get("type"), "video/mp4")) // nobody looks into that
		for range 2 {
			_ = http.NewResponseController(w).Flush()
			<-body
			_, _ = io.WriteString(w, strings.Repeat("x", 50_000))
		}
		return true
	})
	_, ring := startRing(t, 2, o)
	for i, e := range ring {
		for _, target := range []string{"/v/x/%d.m4s", "/v/x/own%d.m4s", "/v/x/a%d?type=text/plain", "/v/x/own%d?type=text/plain"} {
			target := fmt.Sprintf(target, i)
			asks := ""
			if filler, _ := fillerOf(ring, target); filler != e {
				asks = filler.cfg.Name
			}
			if got := waited(t, e.url+target, body); got != `200 100000 <nil> waits true asks `+asks {
				t.Errorf("%s by %s: %s, want it to ask %q", target, e.cfg.Name, got, asks)
			}
		}
	}
}

// A neighbour that dies of what it is asked for may take this edge along: whoever asked hears
// of it before the origin is asked again.
func TestWhoAskedHearsOfANeighbourThatBroke(t *testing.T) {
	o := newOrigin(t)
	_, edges := startRing(t, 2, o)
	target := "/v/x/1.m4s"
	filler, other := fillerOf(edges, target)
	o.handle(func(http.ResponseWriter, *http.Request) bool {
		if o.count(target) > 1 {
			return false
		}
		go filler.stop()
		<-filler.done
		return true
	})
	said, body, _ := interims(t, http.MethodGet, other.url+target, asNode()...)
	if len(said) == 0 || said[len(said)-1] != "102 1;asks="+filler.cfg.Name || len(body) != segmentSize {
		t.Errorf("said %q, %d bytes", said, len(body))
	}
}

// waited is what a balancer gets of an object whose halves come by a word each: the first
// when the balancer has been told three times that it waits.
func waited(t *testing.T, url string, body chan struct{}) string {
	t.Helper()
	asks := ""
	heard, said := make(chan textproto.MIMEHeader, 1000), make(chan string, 1)
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got1xxResponse: func(_ int, h textproto.MIMEHeader) error {
		heard <- h
		return nil
	}})
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	h := asNode()
	if strings.Contains(url, "?") {
		h = append(h, wire.HeaderManifest, wire.ManifestAsk)
	}
	for i := 0; i < len(h); i += 2 {
		req.Header.Set(h[i], h[i+1])
	}
	go func() {
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			said <- err.Error()
			return
		}
		defer func() { _ = resp.Body.Close() }()
		body <- struct{}{}
		all, err := io.ReadAll(resp.Body)
		said <- fmt.Sprintf("%d %d %v waits %v", resp.StatusCode, len(all), err, resp.Header.Get(wire.HeaderWaiting) != "")
	}()
	for range 3 {
		select {
		case h := <-heard:
			waits := call.ParseWaiting(h.Get(wire.HeaderWaiting))
			if waits.Name != "1" || len(h) != 1 {
				t.Errorf("%s: meanwhile: %v", url, h)
			}
			asks = strings.Join(waits.Asks, " ")
		case <-time.After(10 * time.Second):
			close(body)
			t.Fatalf("%s: nothing was said meanwhile", url)
		}
	}
	body <- struct{}{}
	return <-said + " asks " + asks
}
