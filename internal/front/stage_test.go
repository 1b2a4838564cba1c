package front

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tandem/internal/h1"
)

// patience is how long a test waits for what has to come.
const patience = 30 * time.Second

// stage is a server with a script, and what it has told so far. When its test is
// over it has to leave nothing behind.
type stage struct {
	*Server
	t       *testing.T
	addr    string
	served  chan error // what Serve returned
	inside  sync.Map   // what Enter gave, until Leave
	entered atomic.Int64
	left    atomic.Int64
	slow    atomic.Int64
	panics  chan any
	ended   chan ending  // what Enders were told
	owed    atomic.Int64 // Enders that have to be told yet
	ways    Ways
	held    chan func() // lets a loop go on that /hold holds up

	before leftovers
}

// ending is what an Ender was told, and of which target.
type ending struct {
	target string
	sent   int64
	whole  bool
	onLoop bool
}

// plenty is what bodies are cut from.
var plenty = sync.OnceValue(func() []byte {
	b := make([]byte, 3*shareAlone)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(b)
	return b
})

// onDisk is a file with the bytes of plenty; it has no name any more.
var onDisk = sync.OnceValue(func() *os.File {
	file, err := os.CreateTemp("", "plenty")
	if err == nil {
		_ = os.Remove(file.Name())
		if _, err = file.Write(plenty()); err == nil {
			err = file.Sync()
		}
	}
	if err != nil {
		panic(err)
	}
	return file
})

// newStage serves at a port of its own until the test ends. The script of quick
// answers is stage.answer, that of the Handler saysPath.
func newStage(t *testing.T, change ...func(*stage, *Config)) *stage {
	t.Helper()
	// A machine that gives back what nobody has read for a while has no page of it.
	if _, err := io.Copy(io.Discard, io.NewSectionReader(onDisk(), 0, int64(len(plenty())))); err != nil {
		t.Fatal(err)
	}
	s := &stage{t: t, served: make(chan error, 1), panics: make(chan any, 100), ended: make(chan ending, 10000), held: make(chan func()), before: countLeftovers(t)}
	cfg := Config{
		Handler: http.HandlerFunc(saysPath), Quick: func(l *Loop) Quick { return &scripted{loop: l, serve: s.answer} }, Loops: 2,
		Enter: s.enter, Leave: s.leave,
		Slow:  func() { s.slow.Add(1) },
		Ways:  &s.ways,
		Panic: func(_ *http.Request, why any) { s.panics <- why },
	}
	if *overTLS {
		cfg.TLS = certified()
	}
	for _, f := range change {
		f(s, &cfg)
	}
	s.Server = New(cfg)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = ln.Addr().String()
	go func() { s.served <- s.Serve(ln) }()
	t.Cleanup(s.strike)
	first, err := net.Dial("tcp", s.addr) // served: the loops run, and New's goroutines are there
	if err != nil {
		t.Fatal(err)
	}
	_ = first.Close()
	eventually(t, "the first connection has come and gone", func() bool { return s.entered.Load() > 0 && s.left.Load() == s.entered.Load() })
	return s
}

func (s *stage) enter(string) (any, bool) {
	number := s.entered.Add(1)
	s.inside.Store(number, true)
	return number, true
}

func (s *stage) leave(client any) {
	s.left.Add(1)
	if _, inside := s.inside.LoadAndDelete(client); !inside {
		s.t.Errorf("client %v left twice", client)
	}
}

// strike ends the server, and looks at what it leaves.
func (s *stage) strike() {
	s.t.Helper()
	if err := s.Close(); err != nil {
		s.t.Errorf("Close: %v", err)
	}
	select {
	case err := <-s.served:
		if err != http.ErrServerClosed {
			s.t.Errorf("Serve returned %v", err)
		}
	case <-time.After(patience):
		s.t.Errorf("Serve did not return")
	}
	if n := s.Connections(); n != 0 {
		s.t.Errorf("%d connections are left", n)
	}
	for _, l := range s.loops { // they have ended
		l.each(func(c *Conn) { s.t.Errorf("a loop holds on to a connection in state %d", c.state) })
	}
	eventually(s.t, "each connection that entered has left", func() bool { return s.entered.Load() == s.left.Load() })
	if n := s.owed.Load(); n != 0 {
		s.t.Errorf("%d ends of answers were not told", n)
	}
	if !s.t.Failed() {
		s.before.still(s.t)
	}
}

// hold holds up the stage's only loop, so that what happens meanwhile is found
// by it at once, until the function is called.
func (s *stage) hold() (release func()) {
	s.t.Helper()
	c := call(s.t, s.addr)
	c.say(ask("GET", "/hold"))
	select {
	case release = <-s.held:
		s.t.Cleanup(release)
		return release
	case <-time.After(patience):
		s.t.Fatal("no loop could be held")
		return nil
	}
}

// pass waits until a loop has done what it can do for others: it has answered a
// request that came later.
func (s *stage) pass() {
	s.t.Helper()
	c := call(s.t, s.addr)
	c.say(ask("GET", "/pass", "Connection: close"))
	c.hear("GET")
	c.ends(inOrder)
	_ = c.Close()
}

// oneLoop is for newStage.
func oneLoop(_ *stage, c *Config) { c.Loops = 1 }

// scripted is a Quick by a function.
type scripted struct {
	loop  *Loop
	serve func(c *Conn, h *h1.Request) bool
	close func()
}

func (q *scripted) Serve(c *Conn, h *h1.Request) bool { return q.serve(c, h) }
func (q *scripted) Tick(time.Time) (at time.Time)     { return at }
func (q *scripted) Close() {
	if q.close != nil {
		q.close()
	}
}

// answer gives /mem/N and /file/N, a body of N bytes from memory and from the
// file, on the loop; /hold holds the loop up, /pass is an answer alone. The rest goes
// away.
func (s *stage) answer(c *Conn, h *h1.Request) bool {
	if h.Target == "/hold" {
		release := make(chan struct{})
		s.held <- sync.OnceFunc(func() { close(release) })
		<-release
		return c.Respond(append(AppendStatus(c.Loop().Scratch(), http.StatusOK), "X-Target: /hold\r\nContent-Length: 0\r\n"...), Body{})
	}
	if h.Target == "/pass" {
		return c.Respond(append(AppendStatus(c.Loop().Scratch(), http.StatusOK), "Content-Length: 0\r\n"...), Body{})
	}
	size, from, ok := cutOf(h.Target)
	if !ok {
		return false
	}
	head := AppendStatus(c.Loop().Scratch(), http.StatusOK)
	head = fmt.Appendf(head, "X-Target: %s\r\nContent-Length: %d\r\n", h.Target, size)
	body := Body{Ended: s.listen(h.Target)}
	switch {
	case h.Method == http.MethodHead:
	case from == "mem":
		body.Bytes = plenty()[:size]
	default:
		body.File, body.Length = onDisk(), int64(size)
	}
	return s.begun(c.Respond(head, body))
}

// begun is for what Respond returns: of what was not begun no end is told.
func (s *stage) begun(yes bool) bool {
	if !yes {
		s.owed.Add(-1)
	}
	return yes
}

// cutOf reads the targets of stage.answer.
func cutOf(target string) (size int, from string, ok bool) {
	_, rest, _ := strings.Cut(target, "/")
	from, number, _ := strings.Cut(rest, "/")
	number, _, _ = strings.Cut(number, "?")
	size, err := strconv.Atoi(number)
	return size, from, err == nil && (from == "mem" || from == "file")
}

// saysPath is the Handler's script: the request's path comes back.
func saysPath(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Target", r.RequestURI)
	_, _ = io.WriteString(w, "away "+r.URL.Path)
}

// ear is an Ender that may hear once.
type ear struct {
	s      *stage
	target string
	loop   string
	told   atomic.Int32
}

func (s *stage) listen(target string) *ear {
	s.owed.Add(1)
	return &ear{s: s, target: target, loop: goroutine()}
}

func (e *ear) Ended(sent int64, whole bool) {
	if e.told.Add(1) > 1 {
		e.s.t.Errorf("%s: its end was told twice", e.target)
	}
	e.s.owed.Add(-1)
	select {
	case e.s.ended <- ending{e.target, sent, whole, goroutine() == e.loop}:
	default: // nobody listens to so many
	}
}

// hears waits for the next end that is told.
func (s *stage) hears() ending {
	s.t.Helper()
	select {
	case e := <-s.ended:
		if !e.onLoop {
			s.t.Errorf("%s: its end was not told on the loop", e.target)
		}
		return e
	case <-time.After(patience):
		s.t.Fatal("no end of an answer was told")
		return ending{}
	}
}

// hearsNothing is for the end of a test: whatever was told has been heard.
func (s *stage) hearsNothing() {
	s.t.Helper()
	select {
	case e := <-s.ended:
		s.t.Errorf("more was told: %+v", e)
	default:
	}
}

// goroutine names the one that calls.
func goroutine() string {
	b := make([]byte, 64)
	name, _, _ := bytes.Cut(b[:runtime.Stack(b, false)], []byte(" ["))
	return string(name)
}

// leftovers is what a process has more of when something was not given back.
type leftovers struct{ descriptors, goroutines int }

// warm opens what stays open: Go's own poller, and the file.
var warm = sync.OnceFunc(func() {
	onDisk()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err == nil {
		_ = ln.Close()
	}
})

func countLeftovers(t *testing.T) leftovers {
	t.Helper()
	warm()
	names, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return leftovers{len(names), runtime.NumGoroutine()}
}

// still waits until there is no more than there was.
func (l leftovers) still(t *testing.T) {
	t.Helper()
	var now leftovers
	for n, end := 1, time.Now().Add(patience); time.Now().Before(end); n++ {
		if now = countLeftovers(t); now.descriptors <= l.descriptors && now.goroutines <= l.goroutines {
			return
		}
		if time.Sleep(time.Millisecond); n%20 == 0 {
			runtime.GC() // Go keeps the pipes of its own splices until then
		}
	}
	stacks := make([]byte, 1<<20)
	t.Errorf("left behind: %+v before, %+v now\n%s", l, now, stacks[:runtime.Stack(stacks, true)])
}

// eventually looks often; what a test can be told of it waits for instead.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

// sockets are two that are connected, and do not wait.
func sockets(t *testing.T) [2]int {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range pair {
		_ = unix.SetNonblock(fd, true)
	}
	return pair
}
