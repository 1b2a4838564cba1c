package serve

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"tandem/internal/run"
)

// dirEnv makes the test binary a server of its own, on this data directory;
// failEnv makes it die when its predecessor has let go.
const (
	dirEnv  = "TANDEM_TEST_DIR"
	failEnv = "TANDEM_TEST_FAIL"
)

// firstEnv makes it the first process of a container, but for those that it starts.
const firstEnv = "TANDEM_TEST_FIRST"

func TestMain(m *testing.M) {
	if dir := os.Getenv(dirEnv); dir != "" {
		if err := child(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child is a process with one listener, and a file that one process at a time may
// have. It answers with its process id; /slow takes until the test says so.
func child(dir string) error {
	cfg := Config{LameDuck: 200 * time.Millisecond, Drain: 3 * time.Second, Replace: os.Getenv("TANDEM_TEST_REPLACE") == "true"}
	if os.Getenv(firstEnv) != "" && !cfg.Replace {
		isFirst = func() bool { return true }
		if err := adopts(); err != nil {
			return err
		}
	}
	life, err := Begin(cfg, "test", dir, zerolog.New(os.Stderr))
	if err != nil {
		return err
	}
	ln, err := life.Sockets.Listen("listen", "127.0.0.1:0")
	if err != nil {
		return err
	}
	if err := life.Claim(); err != nil {
		return err
	}
	if os.Getenv(failEnv) != "" {
		_ = life.predecessor.link.conn.Close() // as ending does, some time before the process is gone
		time.Sleep(300 * time.Millisecond)
		return errors.New("this process was told to fail")
	}
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return fmt.Errorf("the file is another process's: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, os.Getpid()) })
	mux.HandleFunc("/readyz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") })
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		for _, err := os.Stat(filepath.Join(dir, "go-on")); err != nil && r.Context().Err() == nil; _, err = os.Stat(filepath.Join(dir, "go-on")) {
			time.Sleep(2 * time.Millisecond)
		}
		fmt.Fprint(w, "whole")
	})
	fmt.Println(ln.Addr())
	hooks := Hooks{
		Release: func(context.Context) error { return lock.Close() },
		Reload:  func() (Reloaded, error) { return Reloaded{Applied: []string{"log-level"}}, nil },
	}
	return life.Run(
		context.Background(), hooks,
		run.Part{Name: "file", Run: func(ctx context.Context) error { <-ctx.Done(); return nil }},
		life.Part(Listener{Name: "listen", Socket: ln, Server: HTTP(&http.Server{Handler: life.Health(mux)}, nil)}),
	)
}

// proc is one such process.
type proc struct {
	cmd   *exec.Cmd
	url   string
	ended chan error
}

// startChild runs one and waits until it has said where it listens. A shell that
// execs it gives it variables that name its own process id as $$.
func startChild(t *testing.T, dir string, files []*os.File, env ...string) *proc {
	t.Helper()
	p := &proc{ended: make(chan error, 1)}
	p.cmd = exec.Command("/bin/sh", "-c", `export LISTEN_PID=$$; exec "$0" "$@" 2>&${TANDEM_TEST_LOG:-2}`, os.Args[0])
	p.cmd.Env = append(append(os.Environ(), dirEnv+"="+dir), env...)
	p.cmd.Stderr = os.Stderr
	p.cmd.ExtraFiles = files
	out, err := p.cmd.StdoutPipe()
	must(t, err)
	must(t, p.cmd.Start())
	line, _ := bufio.NewReader(out).ReadString('\n')
	p.url = "http://" + strings.TrimSpace(line)
	go func() { p.ended <- p.cmd.Wait() }() // all that it says is said; a process that replaces it has its output as well
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	return p
}

func (p *proc) awaitEnd(t *testing.T, limit time.Duration) error {
	t.Helper()
	select {
	case err := <-p.ended:
		return err
	case <-time.After(limit):
		t.Fatalf("the process still runs after %s", limit)
		return nil
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// ask makes one request on a connection of its own.
func ask(url string) (status int, body string, err error) {
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(url)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}

// hammer asks until stop is closed, and tells every failure.
func hammer(t *testing.T, url string, stop <-chan struct{}) (done chan map[string]int) {
	done = make(chan map[string]int, 1)
	go func() {
		pids := map[string]int{}
		for {
			select {
			case <-stop:
				done <- pids
				return
			default:
			}
			status, body, err := ask(url)
			if err != nil || status != http.StatusOK {
				t.Errorf("%d %v", status, err)
				done <- pids
				return
			}
			pids[body]++
		}
	}()
	return done
}

func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(15 * time.Second); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not after 15 s: %s", what)
		}
	}
}

func pid(p *proc) string { return strconv.Itoa(p.cmd.Process.Pid) }

func tcp(t *testing.T) *net.TCPListener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	return ln.(*net.TCPListener)
}

// A process whose log goes to a pipe that nobody reads any more goes on.
func TestWhoReadsTheLogMayEnd(t *testing.T) {
	dir := t.TempDir()
	r, w, err := os.Pipe()
	must(t, err)
	p := startChild(t, dir, []*os.File{w}, "TANDEM_TEST_LOG=3")
	w.Close()
	r.Close()
	must(t, p.cmd.Process.Signal(syscall.SIGHUP))  // it writes a line of this
	must(t, p.cmd.Process.Signal(syscall.SIGTERM)) // and of this
	if err := p.awaitEnd(t, 15*time.Second); err != nil {
		t.Errorf("it ended by: %v", err)
	}
}

// lockedBuffer is a log that is read while others write.
type lockedBuffer struct {
	mu  sync.Mutex
	all bytes.Buffer // guarded by mu
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all.String()
}
