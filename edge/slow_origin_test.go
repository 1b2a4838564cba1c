package edge

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"sync"
	"sync/atomic"
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
			if got := waited(t, e.url+target, body); got != `200 100000 <nil> waits true` {
				t.Errorf("%s by %s: %s", target, e.cfg.Name, got)
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

// Whoever waits for what may be a manifest hears that the origin answers, and that it is read, by
// which edges have died, before either, and not while the origin is waited for: whoever is killed
// then has died of something else. So does who joins the fill, and where none is stored. Who
// waits for media by its name hears it only where that is read.
func TestWhoWaitsHearsWhatAnEdgeMayDieOf(t *testing.T) {
	o, asked := newOrigin(t), make(chan string, 100)
	var gate atomic.Pointer[chan struct{}]
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		asked <- r.URL.Path
		<-*gate.Load()
		if strings.Contains(r.URL.Path, "own") {
			w.Header().Set("Cache-Control", "no-store")
		}
		if strings.Contains(r.URL.Path, "list") {
			w.Header().Set("Content-Type", "application/vnd.apple.mpegurl")
			_, _ = io.WriteString(w, livePlaylist(1))
			return true
		}
		return false
	})
	_, edges := startRing(t, 1, o)
	e := edges[0]
	for _, row := range []struct{ target, all string }{
		{"/v/x/list.m3u8", "0 2"},
		{"/v/x/list", "0 2"},
		{"/v/x/own-list.m3u8", "0 2"},
		{"/v/x/list.ts", "2"},
		{"/v/x/1.m4s", ""},
	} {
		words, given := make(chan string, 2), make(chan struct{})
		gate.Store(&given)
		begun := make(chan string, 2)
		for range 2 {
			go func() { words <- words102(t, e.url+row.target, begun) }()
			if does := <-begun; does != call.Waits {
				t.Errorf("%s: %q while the origin is waited for", row.target, does)
			}
		}
		for <-asked != row.target { // a neighbour's, of another one
		}
		close(given)
		for range 2 {
			if said := <-words; said != row.all && (said != row.all+" "+row.all || !strings.Contains(row.target, "own")) { // who joined asks for itself
				t.Errorf("%s: it was said %q, want %q", row.target, said, row.all)
			}
		}
	}
}

// words102 is what a balancer is told before an answer, but for that it is waited for, each once
// in a row; begun gets the first word of all.
func words102(t *testing.T, url string, begun chan<- string) (said string) {
	var once sync.Once
	heard := func(_ int, h textproto.MIMEHeader) error {
		does := h.Get(wire.HeaderWaiting)
		once.Do(func() { begun <- does })
		if does != call.Waits && !strings.HasSuffix(said, does) {
			said = strings.TrimSpace(said + " " + does)
		}
		return nil
	}
	req, _ := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got1xxResponse: heard}), http.MethodGet, url, http.NoBody)
	for i, h := 0, asNode(); i < len(h); i += 2 {
		req.Header.Set(h[i], h[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Error(err)
		return said
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	return said
}

// waited is what a balancer gets of an object whose halves come by a word each: the first
// when the balancer has been told three times that it waits.
func waited(t *testing.T, url string, body chan struct{}) string {
	t.Helper()
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
	for n := 0; n < 3; {
		select {
		case h := <-heard:
			switch does := h.Get(wire.HeaderWaiting); {
			case does == call.Waits:
				n++
			case does != call.Answered || n > 0 || len(h) != 1:
				t.Errorf("%s: meanwhile: %v", url, h)
			}
		case <-time.After(10 * time.Second):
			close(body)
			t.Fatalf("%s: nothing was said meanwhile", url)
		}
	}
	body <- struct{}{}
	return <-said
}
