package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"tandem/internal/serve"
	"tandem/internal/wire"
)

// TB is what a Harness needs of a test.
type TB interface {
	Helper()
	Name() string
	Logf(format string, args ...any)
	Fatalf(format string, args ...any)
	Failed() bool
	Cleanup(func())
}

// EvidenceEnv names the directory in which the evidence of failures is kept.
const EvidenceEnv = "TANDEM_EVIDENCE"

// Harness is a demo of a test's own: real processes of the real binary.
type Harness struct {
	*Cluster
	t      TB
	Binary string
	Dir    string
	demo   *exec.Cmd
	ended  chan struct{}
	out    *bytes.Buffer // of the demo; read after ended
	pipe   *os.File      // our end of the lifeline
}

// Start runs `tandem demo` with these flags and waits until it is ready. It is
// gone when the test ends; when that failed, its directory is kept.
func Start(t TB, flags ...string) *Harness {
	t.Helper()
	for try := 1; ; try++ {
		h, err := begin(t, flags)
		if err == nil {
			return h
		}
		// Where the kernel gives outgoing connections any port, one of ours can be
		// taken between the look and the node's start.
		if try == startTries || !strings.Contains(err.Error(), "is in use") {
			t.Fatalf("%v", err)
		}
	}
}

const startTries = 5

func begin(t TB, flags []string) (*Harness, error) {
	t.Helper()
	dir, err := os.MkdirTemp("", "tandem-"+plainName(t.Name())+"-")
	if err != nil {
		t.Fatalf("%v", err)
	}
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatalf("%v", err)
	}
	h := &Harness{t: t, Binary: Binary(t), Dir: dir, ended: make(chan struct{}), out: &bytes.Buffer{}, pipe: write}
	args := append([]string{"demo", "--dir", dir, "--listen", "127.0.0.1:0"}, flags...)
	h.demo = exec.Command(h.Binary, args...)
	h.demo.Stdout, h.demo.Stderr, h.demo.Stdin = h.out, h.out, read
	h.demo.Env = append(os.Environ(), serve.PipeEnv+"=1")
	h.demo.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := h.demo.Start(); err != nil {
		t.Fatalf("%v", err)
	}
	go func() {
		_ = h.demo.Wait()
		close(h.ended)
	}()
	t.Cleanup(h.close)
	if err := h.await(); err != nil {
		return nil, err
	}
	h.Cluster, err = Attach(filepath.Join(dir, "cluster.json"))
	if err != nil {
		t.Fatalf("%v", err)
	}
	h.lifeline = read
	return h, nil
}

// await waits for cluster.json, which the demo writes when all is ready.
func (h *Harness) await() error {
	for end := time.Now().Add(40 * time.Second); ; {
		if _, err := os.Stat(filepath.Join(h.Dir, "cluster.json")); err == nil {
			return nil
		}
		select {
		case <-h.ended:
			return fmt.Errorf("the demo ended at its start: %s", strings.TrimSpace(h.out.String()))
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(end) {
			return fmt.Errorf("the demo is not ready after 40 s")
		}
	}
}

// End asks the demo to end, as Ctrl-C does, and returns how long it took.
func (h *Harness) End() time.Duration {
	began := time.Now()
	if h.demo == nil {
		h.endNodes()
		return time.Since(began)
	}
	_ = h.demo.Process.Signal(syscall.SIGTERM)
	select {
	case <-h.ended:
	case <-time.After(15 * time.Second):
		_ = h.demo.Process.Kill()
		<-h.ended
	}
	return time.Since(began)
}

// KillDemo kills the demo itself.
func (h *Harness) KillDemo() {
	_ = h.demo.Process.Kill()
	<-h.ended
}

func (h *Harness) close() {
	if h.t.Failed() {
		h.evidence()
	}
	h.End()
	h.pipe.Close() // ends whatever still holds to it
	if h.Cluster != nil {
		h.wg.Wait()
	}
	if !h.t.Failed() {
		_ = os.RemoveAll(h.Dir)
	}
}

// evidence writes down the status and says where everything is. Stores stay
// where they are: the whole directory is kept.
func (h *Harness) evidence() {
	if h.Cluster != nil {
		for _, name := range []string{"status", "history", "receipts", "sessions"} {
			var raw json.RawMessage
			if h.API("/api/v1/"+name, &raw) == nil {
				_ = os.WriteFile(filepath.Join(h.Dir, name+".json"), raw, 0o644)
			}
		}
	}
	kept := h.Dir
	if base := os.Getenv(EvidenceEnv); base != "" {
		to := filepath.Join(base, filepath.Base(h.Dir))
		if os.MkdirAll(base, 0o755) == nil && os.CopyFS(to, os.DirFS(h.Dir)) == nil {
			kept = to
		}
	}
	h.t.Logf("evidence (logs, cluster.json, status.json, history.json, stores): %s", kept)
}

var unplain = regexp.MustCompile(`[^A-Za-z0-9]+`)

func plainName(name string) string { return unplain.ReplaceAllString(name, "-") }

// API asks the balancers in turn for a path of their operators' API.
func (h *Harness) API(path string, into any) error { return h.Order(http.MethodGet, path, nil, into) }

// Order asks the balancers in turn to do something.
func (h *Harness) Order(method, path string, body, into any) error {
	return h.Ask(context.Background(), method, path, body, into)
}

// Status is the cluster as a balancer sees it now.
func (h *Harness) Status() (*wire.Status, error) {
	s := &wire.Status{}
	return s, h.API("/api/v1/status", s)
}

// Await polls the status until cond is true of it, and fails the test with the
// last status when that takes longer than limit.
func (h *Harness) Await(what string, limit time.Duration, cond func(*wire.Status) bool) *wire.Status {
	h.t.Helper()
	last := &wire.Status{}
	var err error
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if last, err = h.Status(); err == nil && cond(last) {
			return last
		}
	}
	h.t.Fatalf("%s: not within %s (last error %v); %s", what, limit, err, summary(last))
	return nil
}

// summary is a status in one line.
func summary(s *wire.Status) string {
	text := fmt.Sprintf("version %d, leader %q, %d sessions, %d streams, %d refused;", s.Version, s.Leader, s.Sessions, s.Streams, s.Refused)
	for _, e := range s.Edges {
		text += fmt.Sprintf(" %s %s %d/%d,", e.Name, e.State, e.Delivering, e.Limit)
	}
	for _, p := range s.Pairs {
		text += fmt.Sprintf(" pair %d %s|%s at %d of %d: %d+%d,", p.ID, p.Low, p.High, p.Boundary, p.Slots, p.LowDelivering, p.HighDelivering)
	}
	return strings.TrimSuffix(text, ",")
}

// EdgeState finds an edge in a status; "" when it is not there.
func EdgeState(s *wire.Status, name string) wire.EdgeState {
	for _, e := range s.Edges {
		if e.Name == name {
			return e.State
		}
	}
	return ""
}

// AllUp is a condition for Await: every edge delivers.
func AllUp(s *wire.Status) bool {
	for _, e := range s.Edges {
		if e.State != wire.EdgeUp || e.ReportAge < 0 || e.ReportAge > 2000 {
			return false
		}
	}
	return len(s.Edges) > 0
}

// OriginCounts is how often the origin answered for each path; reset begins anew.
func (h *Harness) OriginCounts(reset bool) map[string]int {
	h.t.Helper()
	f := h.File()
	url, method := f.Node("origin-1").Admin+wire.PathCounts, http.MethodGet
	if reset {
		method = http.MethodPost
	}
	counts := map[string]int{}
	if err := Call(context.Background(), method, url, nil, &counts); err != nil {
		h.t.Fatalf("origin's counts: %v", err)
	}
	return counts
}

// Command runs the binary with these arguments against this cluster and returns
// what it printed and its exit code.
func (h *Harness) Command(args ...string) (stdout, stderr string, code int) {
	return Command(h.t, []string{"TANDEM_CLUSTER=" + filepath.Join(h.Dir, "cluster.json")}, args...)
}
