package systest

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tandem/internal/player"
	"tandem/internal/wire"
)

// aired is the live channel that a twin holds.
const aired = "/news/live.m3u8"

// twin is one of several origins that hold the same live channel: segments of a
// second, made from their numbers.
type twin struct {
	server *http.Server
	at     string
	url    string
	mode   atomic.Value // "well", "hangs", "500"
	asked  atomic.Int64
	over   chan struct{}
}

func newTwin(t *testing.T) *twin {
	t.Helper()
	o := &twin{at: "127.0.0.1:0", over: make(chan struct{})}
	o.mode.Store("well")
	o.rise(t)
	o.url = "http://" + o.at
	t.Cleanup(func() { close(o.over); o.die() })
	return o
}

func (o *twin) rise(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp", o.at)
	must(t, err)
	o.at, o.server = l.Addr().String(), &http.Server{Handler: o}
	go func() { _ = o.server.Serve(l) }()
}

func (o *twin) die() { _ = o.server.Close() }

func (o *twin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.asked.Add(1)
	switch o.mode.Load() {
	case "hangs":
		<-o.over
		return
	case "500":
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	var number int64
	if _, err := fmt.Sscanf(r.URL.Path, "/news/%d.ts", &number); err == nil {
		seed := sha256.Sum256([]byte(r.URL.Path))
		body := make([]byte, 50_000)
		_, _ = rand.NewChaCha8(seed).Read(body)
		w.Header().Set("ETag", fmt.Sprintf(`"%d"`, number))
		w.Header().Set("Cache-Control", "max-age=600")
		w.Header().Set("Content-Type", "video/mp2t")
		_, _ = w.Write(body)
		return
	}
	last := time.Now().Unix()
	var list strings.Builder
	fmt.Fprintf(&list, "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:%d\n", last-7)
	for n := last - 7; n <= last; n++ {
		fmt.Fprintf(&list, "#EXTINF:1,\n%d.ts\n", n)
	}
	w.Header().Set("Cache-Control", "max-age=1")
	w.Header().Set("Content-Type", "application/vnd.apple.mpegurl")
	_, _ = w.Write([]byte(list.String()))
}

// A stranger's origin dies, answers 500 and hangs, in turn, under people who watch
// live: a second one answers for it, and they see nothing.
// That there are two is told to the cluster while they watch.
func TestTwoOriginsOfWhichOneFails(t *testing.T) {
	t.Parallel()
	one, two, truth := newTwin(t), newTwin(t), newTwin(t)
	h := start(t, "--origin", one.url, "--edges", "3", "--balancers", "1")
	a := &audience{t: t, h: h, digests: player.NewDigests(truth.url)}
	t.Cleanup(a.leave)
	a.watch(20, aired, player.Config{For: 10 * time.Minute, Retries: 0})
	h.Await("everybody is in", 20*time.Second, sessions(20))
	if n := two.asked.Load(); n > 0 {
		t.Fatalf("an origin of which nobody told was asked %d times", n)
	}
	file := filepath.Join(t.TempDir(), "upstreams.yaml")
	must(t, os.WriteFile(file, []byte(fmt.Sprintf("- prefix: /\n  next-after: 300ms\n  servers: [{url: %q}, {url: %q}]\n", one.url, two.url)), 0o600))
	if out, errs, code := h.Command("upstreams", "set", file); code != 0 || !strings.Contains(out, two.url) {
		t.Fatalf("upstreams set: %d %s%s", code, out, errs)
	}
	asked := func(what string, o *twin) { // and so goes on what is watched
		was := o.asked.Load()
		h.Await(what, 20*time.Second, func(*wire.Status) bool { return o.asked.Load() >= was+4 })
	}
	for _, way := range []struct {
		name       string
		fail, mend func()
	}{
		{"dies", one.die, func() { one.rise(t) }},
		{"answers 500", func() { one.mode.Store("500") }, func() { one.mode.Store("well") }},
		{"hangs", func() { one.mode.Store("hangs") }, func() { one.mode.Store("well") }},
	} {
		way.fail()
		asked("the second is asked while the first "+way.name, two)
		way.mend()
		asked("the first is asked again after it "+way.name, one)
	}
	nothingSeen(t, a.report(false), 20, 100)
}
