package player

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tandem/internal/wire"
)

const (
	segments = 6
	token    = "/s/AAAA"
)

// stage is an origin and a balancer in front of it that can be told to misbehave.
type stage struct {
	origin, balancer *httptest.Server
	asked            atomic.Int64                                                   // segments at the origin
	fault            func(n int, w http.ResponseWriter, r *http.Request) (did bool) // n counts segment requests
	requests         atomic.Int64
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{}
	content := func(w http.ResponseWriter, path string) {
		switch {
		case strings.HasSuffix(path, "master.m3u8"):
			fmt.Fprint(w, "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv/index.m3u8\n")
		case strings.HasSuffix(path, "index.m3u8"):
			fmt.Fprint(w, "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MAP:URI=\"init.mp4\"\n")
			for i := range segments {
				fmt.Fprintf(w, "#EXTINF:1,\nseg%d.m4s\n", i)
			}
			fmt.Fprint(w, "#EXT-X-ENDLIST\n")
		default:
			fmt.Fprint(w, strings.Repeat(path, 100))
		}
	}
	s.origin = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "seg") {
			s.asked.Add(1)
		}
		content(w, r.URL.Path)
	}))
	s.balancer = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rest, ok := strings.CutPrefix(r.URL.Path, token)
		if !ok {
			http.Redirect(w, r, token+r.URL.Path, http.StatusFound)
			return
		}
		if strings.Contains(rest, "seg") {
			if n := int(s.requests.Add(1)); s.fault != nil && s.fault(n, w, r) {
				return
			}
		}
		content(w, rest)
	}))
	t.Cleanup(s.origin.Close)
	t.Cleanup(s.balancer.Close)
	return s
}

func (s *stage) play(change func(*Config)) Report {
	cfg := Config{Entry: s.balancer.URL + "/film/master.m3u8", Digests: NewDigests(s.origin.URL), Buffer: 2 * time.Second, Speed: 20, RetryAfter: time.Millisecond, Retries: 1}
	if change != nil {
		change(&cfg)
	}
	return Play(context.Background(), cfg)
}

func TestAWholeStreamIsSeamless(t *testing.T) {
	s := newStage(t)
	r := s.play(nil)
	if !r.Seamless() || r.Segments != segments || r.Played != segments*time.Second || r.Playlists != 2 {
		t.Errorf("%s; played %s, %d playlists", r, r.Played, r.Playlists)
	}
}

func TestDigestsAskTheOriginOnceForManyViewers(t *testing.T) {
	s := newStage(t)
	digests := NewDigests(s.origin.URL)
	done := make(chan Report)
	for range 8 {
		go func() { done <- s.play(func(c *Config) { c.Digests = digests }) }()
	}
	for range 8 {
		if r := <-done; !r.Seamless() {
			t.Error(r)
		}
	}
	if n := s.asked.Load(); n != segments {
		t.Errorf("the origin was asked %d times for %d segments", n, segments)
	}
}

// Every kind of harm is counted as what it is, once.
func TestHarmIsCounted(t *testing.T) {
	for _, row := range []struct {
		name  string
		fault func(n int, w http.ResponseWriter, r *http.Request) bool
		want  func(Report) bool
	}{
		{"a wrong byte", func(n int, w http.ResponseWriter, r *http.Request) bool {
			if n != 3 {
				return false
			}
			fmt.Fprint(w, strings.Repeat("x", 700))
			return true
		}, func(r Report) bool { return r.Wrong == 1 && r.Errors == 0 && r.Segments == segments }},
		{"a short body, tried again", func(n int, w http.ResponseWriter, r *http.Request) bool {
			if n != 3 {
				return false
			}
			w.Header().Set("Content-Length", "700")
			fmt.Fprint(w, "short")
			return true
		}, func(r Report) bool { return r.Errors == 1 && r.Retries == 1 && r.GivenUp == 0 && r.Wrong == 0 }},
		{"a segment that never comes", func(n int, w http.ResponseWriter, r *http.Request) bool {
			if !strings.HasSuffix(r.URL.Path, "seg2.m4s") {
				return false
			}
			http.Error(w, "no", http.StatusBadGateway)
			return true
		}, func(r Report) bool { return r.Errors == 2 && r.GivenUp == 1 && r.Segments == segments-1 }},
		{"a takeover", func(n int, w http.ResponseWriter, r *http.Request) bool {
			if n == 4 {
				w.Header().Set("Server-Timing", `takeover;desc="edge-1>edge-2"`)
			}
			return false
		}, func(r Report) bool { return r.Takeovers == 1 && r.Seamless() }},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := newStage(t)
			s.fault = row.fault
			if r := s.play(nil); !row.want(r) {
				t.Error(r)
			}
		})
	}
}

func TestARefusalIsNoError(t *testing.T) {
	full := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set(wire.HeaderReason, wire.ReasonCluster)
		w.Header().Set("Retry-After", "5")
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer full.Close()
	r := Play(context.Background(), Config{Entry: full.URL + "/film/master.m3u8"})
	if r.Refused != 1 || r.Errors != 0 || !strings.Contains(r.Reason, wire.ReasonCluster) || r.Seamless() {
		t.Errorf("%s (%s)", r, r.Reason)
	}
}

func TestAViewerTurnsToAnotherBalancer(t *testing.T) {
	s := newStage(t)
	s.fault = func(n int, w http.ResponseWriter, _ *http.Request) bool {
		if n == 2 {
			panic(http.ErrAbortHandler) // the connection breaks
		}
		return false
	}
	r := s.play(func(c *Config) {
		c.Others = []string{s.balancer.URL, strings.Replace(s.balancer.URL, "127.0.0.1", "localhost", 1)}
	})
	if r.Moved != 1 || r.Errors != 1 || r.GivenUp != 0 || r.Segments != segments {
		t.Error(r)
	}
}

// The playhead is arithmetic: late is late whatever the clock shows.
func TestPlayhead(t *testing.T) {
	now := time.Unix(1000, 0)
	p := playhead{speed: 2}
	if stall := p.add(now, 4*time.Second); stall != 0 || p.ahead(now) != 2*time.Second {
		t.Errorf("first segment: stall %s, ahead %s", stall, p.ahead(now))
	}
	if room := p.room(now, 6*time.Second, 4*time.Second); room != time.Second {
		t.Errorf("room in %s, want 1s: 4 s of media at double speed into 3 s of buffer", room)
	}
	now = now.Add(2500 * time.Millisecond)
	if stall := p.add(now, 4*time.Second); stall != 500*time.Millisecond {
		t.Errorf("half a second late is a stall of %s", stall)
	}
	now = now.Add(2*time.Second + stallFrom/2)
	if stall := p.add(now, 4*time.Second); stall != 0 {
		t.Errorf("a hole that nobody sees is a stall of %s", stall)
	}
}
