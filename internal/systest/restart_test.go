package systest

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tandem/internal/cluster"
	"tandem/internal/player"
	"tandem/internal/wire"
)

// A balancer is replaced by a new process again and again while viewers play who
// know its address alone and try nothing twice: they see nothing, and the cluster
// has all its balancers afterwards.
//
//	tandem demo --balancers 3, then kill -USR2 the pid of lb-1
func TestABalancerIsUpgradedUnderViewers(t *testing.T) {
	h := start(t, "--balancers", "3", "--lb-flags", "--drain-time=20s")
	a := seat(t, h)
	a.watch(60, stored, player.Config{For: 10 * time.Minute, Speed: 2, Buffer: 12 * time.Second, Retries: 0})
	h.Await("everybody is in", 20*time.Second, sessions(60))
	for round := range 5 {
		old, err := h.Upgrade("lb-1")
		must(t, err)
		h.Await(fmt.Sprintf("round %d: lb-1 is a member again", round), 20*time.Second, func(s *wire.Status) bool {
			return balancerIs(s, "lb-1", func(b wire.BalancerInfo) bool { return b.Alive && b.Voter && b.Problem == "" && b.Version == s.Version })
		})
		must(t, old.AwaitGone(40*time.Second)) // its viewers have gone over by then
	}
	nothingSeen(t, a.report(false), 60, 300)
}

func balancerIs(s *wire.Status, name string, is func(wire.BalancerInfo) bool) bool {
	for _, b := range s.Balancers {
		if b.Name == name {
			return is(b)
		}
	}
	return false
}

// A new process that can't start leaves everything as it is: the old one goes on
// serving, and takes orders.
func TestAnUpgradeThatFailsChangesNothing(t *testing.T) {
	t.Parallel()
	h := start(t, "--balancers", "1", "--edges", "2")
	n, err := h.Node("lb-1")
	must(t, err)
	broken := append([]string{n.Args[0]}, n.Args[1:]...)
	for i, arg := range broken {
		if arg == "--admission" {
			broken[i+1] = "nonsense"
		}
	}
	_, errs, code := cluster.Command(t, nil, append(broken[1:], "--replace")...)
	if code != 2 || !strings.Contains(errs, "nonsense") {
		t.Fatalf("exit %d: %s", code, errs)
	}
	// A second one whose directory is another's finds nobody to replace.
	other := append([]string{}, n.Args[1:]...)
	for i, arg := range other {
		if arg == "--data" {
			other[i+1] = t.TempDir()
		}
	}
	if _, errs, code := cluster.Command(t, nil, append(other, "--replace")...); code != 1 || !strings.Contains(errs, "start without --replace") {
		t.Fatalf("exit %d: %s", code, errs)
	}
	if !n.Running() {
		t.Fatal("the old process has ended")
	}
	if out, errs, code := h.Command("drain", "edge-1"); code != 0 {
		t.Fatalf("the old one takes no orders: %d %s %s", code, out, errs)
	}
}

// A balancer that is told to end says first that it is not ready, still lets
// viewers in meanwhile, and ends when the response it carries is whole.
func TestABalancerEndsInOrder(t *testing.T) {
	h := start(t, "--balancers", "3", "--lb-flags", "--lame-duck=2s")
	n, err := h.Node("lb-1")
	must(t, err)
	film := bytes.Repeat([]byte("0123456789abcdef"), 512<<10)
	object := filepath.Join(h.Dir, "ingest", "film", "a.mp4")
	must(t, os.MkdirAll(filepath.Dir(object), 0o755))
	must(t, os.WriteFile(object, film, 0o600))
	slow := slowly(t, n.HTTP+"/film/a.mp4", len(film), 2<<20)
	must(t, n.Signal(syscall.SIGTERM))
	addr := strings.TrimPrefix(n.HTTP, "http://")
	notReady, open := time.Time{}, time.Now()
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if notReady.IsZero() && status(n.Admin+"/readyz") == http.StatusServiceUnavailable {
			notReady = time.Now()
		}
		conn, err := net.DialTimeout("tcp", addr, time.Second)
		if err != nil {
			break
		}
		_ = conn.Close()
		open = time.Now()
	}
	if notReady.IsZero() || open.Sub(notReady) < time.Second {
		t.Errorf("not ready at %v, open until %v: want a second between them", notReady, open)
	}
	if got := <-slow; got.err != nil || !bytes.Equal(got.body, film) {
		t.Errorf("the response on the wire: %d of %d bytes, %v", len(got.body), len(film), got.err)
	}
	must(t, n.AwaitGone(15*time.Second))
}

// A second signal ends a balancer at once.
func TestASecondSignalMeansNow(t *testing.T) {
	t.Parallel()
	h := start(t, "--balancers", "1", "--edges", "2", "--lb-flags", "--lame-duck=1m,--drain-time=1m")
	n, err := h.Node("lb-1")
	must(t, err)
	must(t, n.Signal(syscall.SIGTERM))
	for status(n.Admin+"/readyz") == http.StatusOK {
		time.Sleep(5 * time.Millisecond)
	}
	time.Sleep(200 * time.Millisecond) // sooner, it is the same one twice
	must(t, n.Signal(syscall.SIGTERM))
	must(t, n.AwaitGone(5*time.Second))
}

// An edge that is told to end hands its viewers over first: nobody sees it, no
// death is written down, and it comes back as one that was away.
func TestAnEdgeEndsInOrder(t *testing.T) {
	h := start(t)
	a := seat(t, h)
	a.watch(60, stored, player.Config{For: 10 * time.Minute, Speed: 2, Buffer: 12 * time.Second, Retries: 0})
	h.Await("everybody is in", 20*time.Second, sessions(60))
	f := h.File()
	edges := f.Names(cluster.RoleEdge)
	for _, name := range edges {
		must(t, h.Terminate(name))
		s := h.Await(name+" has stopped", 5*time.Second, func(s *wire.Status) bool { return cluster.EdgeState(s, name) == wire.EdgeDown })
		for _, e := range s.Edges {
			if e.Name == name && !e.Stopped {
				t.Errorf("%s is down, not stopped", name)
			}
		}
		must(t, h.Restart(name))
		h.Await(name+" is up", 30*time.Second, cluster.AllUp)
	}
	if n := receipts(t, h); n != 0 {
		t.Errorf("%d deaths written down", n)
	}
	var history []wire.Event
	must(t, h.API("/api/v1/history", &history))
	stopping := 0
	for _, e := range history {
		if e.Kind == "edge_stopping" {
			stopping++
		}
	}
	if stopping != len(edges) {
		t.Errorf("%d events edge_stopping", stopping)
	}
	nothingSeen(t, a.report(false), 60, 300)
}

type whole struct {
	body []byte
	err  error
}

// slowly takes a body at a rate, and returns when its first bytes are there.
func slowly(t *testing.T, url string, size, rate int) <-chan whole {
	t.Helper()
	resp, err := http.Get(url)
	must(t, err)
	got := make(chan whole, 1)
	go func() {
		defer resp.Body.Close()
		w := whole{body: make([]byte, 0, size)}
		block, began := make([]byte, 64<<10), time.Now()
		for w.err == nil {
			var n int
			n, w.err = resp.Body.Read(block)
			w.body = append(w.body, block[:n]...)
			time.Sleep(time.Until(began.Add(time.Duration(len(w.body)) * time.Second / time.Duration(rate))))
		}
		if w.err == io.EOF {
			w.err = nil
		}
		got <- w
	}()
	return got
}

// status is an answer's, 0 for none.
func status(url string) int {
	client := &http.Client{Timeout: time.Second}
	resp, err := client.Get(url)
	if err != nil {
		return 0
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}
