package edge

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"
)

// tagged gives an answer a validator, where there is one.
func tagged(w http.ResponseWriter, tag string) {
	if tag != "" {
		w.Header().Set("ETag", tag)
	}
}

// wholeOf is a body, and why it ended before its end.
func wholeOf(t *testing.T, url string) ([]byte, error) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	return io.ReadAll(resp.Body)
}

// Of two servers with the same bytes the first one breaks off, and goes on doing so; the
// rest is the other one's, whatever they say of versions, unless its bytes are others.
func TestTheRestIsAskedOfAServerThatDidNotBreakOff(t *testing.T) {
	for what, c := range map[string]struct {
		bad, good string // tags
		other     bool   // the other one has other bytes
		lacks     bool   // the other one has none, and the first one gives the rest when it is asked again
		whole     bool   // what the viewer gets
	}{
		"the same tag":  {bad: `"1"`, good: `"1"`, whole: true},
		"none":          {whole: true},
		"tags of one":   {bad: `"1"`, good: `"2"`, whole: true},
		"weak ones":     {bad: `W/"1"`, good: `W/"2"`, whole: true},
		"another file":  {bad: `"1"`, good: `"2"`, other: true},
		"not there yet": {bad: `"1"`, good: `"1"`, lacks: true, whole: true},
	} {
		t.Run(what, func(t *testing.T) {
			bad, good := newOrigin(t), newOrigin(t)
			want := bodyOf("/a/1.m4s", segmentSize)
			bad.handle(func(w http.ResponseWriter, r *http.Request) bool {
				rest, most := want, 100_000
				tagged(w, c.bad)
				if r.Header.Get("Range") != "" {
					w.Header().Set("Content-Range", fmt.Sprintf("bytes 100000-%d/%d", len(want)-1, len(want)))
					w.WriteHeader(http.StatusPartialContent)
					if rest, most = want[100_000:], 1000; c.lacks {
						_, _ = w.Write(rest)
						return true
					}
				} else {
					w.Header().Set("Content-Length", fmt.Sprint(len(want)))
				}
				_, _ = w.Write(rest[:most])
				_ = http.NewResponseController(w).Flush()
				panic(http.ErrAbortHandler)
			})
			good.handle(func(w http.ResponseWriter, r *http.Request) bool {
				if c.lacks {
					http.NotFound(w, r)
					return true
				}
				all := slices.Clone(want)
				if c.other {
					all[0]++
				}
				tagged(w, c.good)
				http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(all))
				return true
			})
			e := startEdge(t, Config{Origin: bad.URL + "," + good.URL})
			body, err := wholeOf(t, e.url+"/a/1.m4s")
			if got := err == nil && bytes.Equal(body, want); got != c.whole || err == nil && !got {
				t.Errorf("%d bytes, %v", len(body), err)
			}
			if n := bad.count("/a/1.m4s"); c.whole && n > 2 {
				t.Errorf("the one that broke off was asked %d times", n)
			}
		})
	}
}

// Of two servers the first one stands still in the midst of a body, its connection open: what
// is missing comes from the other one, long before the first is held to be dead, and so where
// there is one server, from that one by another connection.
func TestABodyThatStandsStillIsFinishedByAnother(t *testing.T) {
	for what, c := range map[string]struct {
		tag   string
		alone bool
	}{"a tag": {tag: `"1"`}, "none": {}, "alone": {tag: `"1"`, alone: true}} {
		t.Run(what, func(t *testing.T) {
			over := make(chan struct{})
			still, good := newOrigin(t), newOrigin(t)
			want := bodyOf("/a/1.m4s", segmentSize)
			serve := func(w http.ResponseWriter, r *http.Request) bool {
				tagged(w, c.tag)
				http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(want))
				return true
			}
			good.handle(serve)
			still.handle(func(w http.ResponseWriter, r *http.Request) bool {
				if c.alone && still.count(r.URL.Path) > 1 {
					return serve(w, r)
				}
				tagged(w, c.tag)
				w.Header().Set("Content-Length", fmt.Sprint(len(want)))
				_, _ = w.Write(want[:100_000])
				_ = http.NewResponseController(w).Flush()
				<-over
				panic(http.ErrAbortHandler)
			})
			t.Cleanup(func() { close(over) })
			all := still.URL
			if !c.alone {
				all += "," + good.URL
			}
			e := startEdge(t, Config{Origin: all, OriginTimeout: 5 * time.Minute, stallAfter: 20 * time.Millisecond})
			if resp, body := get(t, e.url+"/a/1.m4s"); resp.StatusCode != 200 || !bytes.Equal(body, want) {
				t.Errorf("%s, %d bytes", resp.Status, len(body))
			}
		})
	}
}
