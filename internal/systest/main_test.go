package systest

import (
	"context"
	"flag"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"tandem/internal/cluster"
	"tandem/internal/player"
	"tandem/internal/wire"
)

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(cluster.Run(m))
}

// start runs a demo for a test.
func start(t *testing.T, flags ...string) *cluster.Harness {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a cluster of processes")
	}
	return cluster.Start(t, flags...)
}

// audience is viewers of one cluster.
type audience struct {
	t       *testing.T
	h       *cluster.Harness
	digests *player.Digests
	stops   []context.CancelFunc
	wg      sync.WaitGroup

	mu  sync.Mutex
	sum player.Report // guarded by mu
	got map[int]int   // guarded by mu; segments, by viewer
}

// seat prepares viewers; their digests know the whole sample already, so that they
// ask the origin nothing while a test counts what it is asked.
func seat(t *testing.T, h *cluster.Harness) *audience {
	t.Helper()
	f := h.File()
	origin := f.Node("origin-1").HTTP
	a := &audience{t: t, h: h, digests: player.NewDigests(origin), got: map[int]int{}}
	for i := range 4 {
		r := player.Play(context.Background(), player.Config{Entry: origin + stored, Digests: a.digests, Speed: 1000, Rendition: i})
		if r.Errors+r.Wrong+r.GivenUp+r.Refused > 0 { // it may be slow: nobody watches
			t.Fatalf("the origin itself can't be watched: %s", r)
		}
	}
	t.Cleanup(a.leave)
	return a
}

// The nodes of a cluster that a test sets up by itself.
var (
	theBalancers = []string{"lb-1", "lb-2", "lb-3"}
	theEdges     = []string{"edge-1", "edge-2", "edge-3", "edge-4"}
)

// stored is the sample's entry.
const stored = "/sample/master.m3u8"

// watch lets count viewers in, over two seconds, as people come. The rest of cfg
// is theirs; entry is a path.
func (a *audience) watch(count int, entry string, cfg player.Config) {
	f := a.h.File()
	first := len(a.stops)
	a.mu.Lock()
	if a.got == nil {
		a.got = map[int]int{}
	}
	a.mu.Unlock()
	for i := range count {
		ctx, stop := context.WithCancel(context.Background())
		a.stops = append(a.stops, stop)
		cfg, progress := cfg, cfg.Progress
		cfg.Entry, cfg.Digests = f.Viewers[0]+entry, a.digests
		cfg.Rendition, cfg.Start = first+i, 3*(first+i)
		cfg.Progress = func(r player.Report) {
			a.mu.Lock()
			a.got[first+i] = r.Segments
			a.mu.Unlock()
			if progress != nil {
				progress(r)
			}
		}
		wait := 2 * time.Second * time.Duration(i) / time.Duration(count)
		a.wg.Go(func() {
			select {
			case <-ctx.Done():
				return
			case <-time.After(wait):
			}
			r := player.Play(ctx, cfg)
			a.mu.Lock()
			a.sum.Add(r)
			a.mu.Unlock()
		})
	}
}

// buffered waits until each of count viewers has that many segments: who has come last has
// one only in the moment in which it is in, and stands where everybody else plays on.
func (a *audience) buffered(count, segments int) {
	a.t.Helper()
	a.h.Await("buffers are full", 30*time.Second, func(*wire.Status) bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		full := 0
		for _, got := range a.got {
			if got >= segments {
				full++
			}
		}
		return full >= count
	})
}

// leave sends everybody home.
func (a *audience) leave() {
	for _, stop := range a.stops {
		stop()
	}
	a.wg.Wait()
}

// report waits until everybody has seen all, or sends them home, and tells what
// they saw together.
func (a *audience) report(wait bool) player.Report {
	if !wait {
		a.leave()
	}
	a.wg.Wait()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.t.Log(a.sum.String())
	return a.sum
}

// nothingSeen fails the test when any viewer saw anything, or saw too little for
// that to mean something.
func nothingSeen(t *testing.T, r player.Report, viewers, segments int) {
	t.Helper()
	if !r.Seamless() {
		t.Errorf("viewers saw it: %s", r)
	}
	if r.Viewers < viewers || r.Segments < segments {
		t.Errorf("%d viewers got %d segments; too few to show anything (want %d, %d)", r.Viewers, r.Segments, viewers, segments)
	}
}

// sessions is a condition: so many viewers are admitted.
func sessions(n int) func(*wire.Status) bool {
	return func(s *wire.Status) bool { return s.Sessions == n }
}

// delivering is a condition: these edges deliver so many each, in order.
func delivering(want map[string]int) func(*wire.Status) bool {
	return func(s *wire.Status) bool {
		got := 0
		for _, e := range s.Edges {
			if n, ok := want[e.Name]; ok && e.Delivering == n {
				got++
			}
		}
		return got == len(want)
	}
}

// boundaries writes all boundaries of a status, for comparison.
func boundaries(s *wire.Status) string {
	text := ""
	for _, p := range s.Pairs {
		text += fmt.Sprintf("%d:%s|%s:%d ", p.ID, p.Low, p.High, p.Boundary)
	}
	return text
}

// must fails the test on an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// killed kills an edge, waits until the placement says so, and logs how long
// that took.
func killed(t *testing.T, h *cluster.Harness, name string) {
	t.Helper()
	must(t, h.Kill(name))
	began := time.Now()
	h.Await(name+" is declared dead", 10*time.Second, func(s *wire.Status) bool { return cluster.EdgeState(s, name) == wire.EdgeDown })
	t.Logf("%s: killed; the placement said so %s later", name, time.Since(began).Round(time.Millisecond))
}

// returned brings a killed edge back and waits until all edges deliver.
func returned(t *testing.T, h *cluster.Harness, name string) {
	t.Helper()
	must(t, h.Restart(name))
	began := time.Now()
	h.Await(name+" is back", 30*time.Second, cluster.AllUp)
	t.Logf("%s: up again after %s", name, time.Since(began).Round(time.Millisecond))
}
