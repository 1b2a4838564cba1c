package accesslog

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"tandem/internal/front"
	"tandem/internal/h1"
	"tandem/internal/wire"
)

// open is a log in a new folder; lines ends it and gives what it wrote.
func open(t *testing.T, sample int, deps Deps) (l *Log, path string, lines func() []map[string]any) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "access.log")
	deps.Node, deps.Logger = "lb-1", zerolog.New(zerolog.NewTestWriter(t))
	if deps.Session == nil {
		deps.Session = func(token string) string { return "session of " + token[:1] }
	}
	l, err := Open(Config{File: path, Sample: sample}, deps)
	if err != nil {
		t.Fatal(err)
	}
	return l, path, func() []map[string]any {
		t.Helper()
		over, cancel := context.WithCancel(t.Context())
		cancel()
		if err := l.Run(over); err != nil {
			t.Fatal(err)
		}
		return read(t, path)
	}
}

func read(t *testing.T, path string) (out []map[string]any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(strings.TrimSpace(string(text)), "\n") {
		var fields map[string]any
		if line == "" {
			continue
		}
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		out = append(out, fields)
	}
	return out
}

// recorder knows what net/http knows: a status below 200 is not the answer.
type recorder struct{ *httptest.ResponseRecorder }

func (r recorder) WriteHeader(status int) {
	if status >= 200 {
		r.ResponseRecorder.WriteHeader(status)
	}
}

func ask(l *Log, target string, h http.HandlerFunc, fields ...string) {
	r := httptest.NewRequest(http.MethodGet, "http://media.example"+target, nil)
	r.RequestURI = target
	for i := 0; i < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
	}
	defer func() { _ = recover() }()
	l.Handler(h).ServeHTTP(recorder{httptest.NewRecorder()}, r)
}

// A request of a session: what was asked, what came of it, who served it; the token,
// which would open the session, stands nowhere.
func TestALineSaysWhatWasAskedAndWhatCameOfIt(t *testing.T) {
	l, path, lines := open(t, 1000, Deps{})
	token := strings.Repeat("T", 56)
	ask(l, "/s/"+token+"/film/seg-7.m4s?x=1", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Set("Content-Type", "video/mp4")
		w.Header().Set("Content-Range", "bytes 0-9/20")
		w.Header().Set("Cache-Status", "origin; fwd=uri-miss, edge-2; hit")
		w.Header().Add("Server-Timing", `edge;desc="edge-2"`)
		w.Header().Add("Server-Timing", `takeover;desc="edge-1>edge-2"`)
		w.WriteHeader(http.StatusPartialContent)
		_, _ = w.Write([]byte("0123456789"))
	}, "Range", "bytes=0-9", "User-Agent", strings.Repeat("a", 5000), "CMCD-Object", "br=3200", "CMCD-Session", `sid="x"`)
	ask(l, "/_tandem/ping", func(http.ResponseWriter, *http.Request) {})
	got := lines()
	if len(got) != 1 {
		t.Fatalf("%v", got)
	}
	for name, want := range map[string]string{
		"node": "lb-1", "client": "192.0.2.1", "port": "1234", "method": "GET", "host": "media.example", "path": "/film/seg-7.m4s", "query": "x=1", "proto": "HTTP/1.1",
		"status": "206", "bytes": "10", "finish": "whole", "cache": "hit", "range": "bytes=0-9", "content_range": "bytes 0-9/20", "content_type": "video/mp4",
		"session": "session of T", "served_by": "edge-2", "takeover": "edge-1>edge-2", "cmcd": `br=3200,sid="x"`,
	} {
		if fmt.Sprint(got[0][name]) != want {
			t.Errorf("%s: %v, want %s", name, got[0][name], want)
		}
	}
	if at, err := time.Parse(time.RFC3339Nano, fmt.Sprint(got[0]["time"])); err != nil || time.Since(at) > time.Minute {
		t.Errorf("time %v", got[0]["time"])
	}
	if agent := fmt.Sprint(got[0]["user_agent"]); len(agent) > mostOfField+3 {
		t.Errorf("%d bytes of a viewer's own", len(agent))
	}
	if text, _ := os.ReadFile(path); strings.Contains(string(text), token) {
		t.Error("the token is in the log")
	}
}

// How a request ended is told, also where nothing was said.
func TestALineSaysHowItEnded(t *testing.T) {
	l, _, lines := open(t, 1000, Deps{})
	ask(l, "/a", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set(wire.HeaderReason, "full")
		w.WriteHeader(503)
	})
	ask(l, "/b", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("half"))
		panic(http.ErrAbortHandler)
	})
	ask(l, "/c", func(http.ResponseWriter, *http.Request) {})
	var told []string
	for _, line := range lines() {
		told = append(told, fmt.Sprintf("%v %v %v %v %v", line["path"], line["status"], line["bytes"], line["finish"], line["reason"]))
	}
	if want := []string{"/a 503 0 whole full", "/b 200 4 broken <nil>", "/c 200 0 whole <nil>"}; !slices.Equal(told, want) {
		t.Errorf("%q", told)
	}
}

// Of a session all requests are written or none, on a balancer as on an edge, and
// about as many as were asked for.
func TestWholeSessionsAreSampled(t *testing.T) {
	front, _, _ := open(t, 100, Deps{})
	behind, _, _ := open(t, 100, Deps{Behind: true})
	written := 0
	for i := range 4000 {
		token := fmt.Sprintf("%056d", i)
		first := front.wants("/s/"+token+"/a.m3u8", "192.0.2.1")
		if front.wants("/s/"+token+"/b.ts?x", "192.0.2.9") != first || behind.wants("/s/"+token+"/b.ts", "10.0.0.1") != first {
			t.Fatal("half a session is written")
		}
		if first {
			written++
		}
	}
	if written < 300 || written > 500 {
		t.Errorf("%d of 4000 sessions, 400 are asked for", written)
	}
}

// What is written does not take the fast path, all else does.
func TestTheFastPathIsLeftForWhatIsWritten(t *testing.T) {
	l, _, _ := open(t, 500, Deps{})
	var none *Log
	fast := func(*front.Loop) front.Quick { return always{} }
	if _, ok := none.Quick(fast)(nil).(always); !ok {
		t.Error("without a log something stands in the way")
	}
	for i := range 100 {
		target := fmt.Sprintf("/s/%056d/a.ts", i)
		if took := l.Quick(fast)(nil).Serve(new(front.Conn), &h1.Request{Target: target}); took == l.wants(target, "") {
			t.Fatalf("%s: on the fast path %v, and written %v", target, took, !took)
		}
	}
}

type always struct{}

func (always) Serve(*front.Conn, *h1.Request) bool { return true }
func (always) Tick(time.Time) time.Time            { return time.Time{} }
func (always) Close()                              {}

// The file that is moved away gets what was asked before, the new one what comes
// after; an address at which none can be made keeps the old one.
func TestTheFileIsOpenedAnew(t *testing.T) {
	l, path, lines := open(t, 1000, Deps{})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	ask(l, "/before", func(http.ResponseWriter, *http.Request) {})
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	l.Reopen()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		if _, err := os.Stat(path); err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal("not opened anew")
		}
	}
	ask(l, "/after", func(http.ResponseWriter, *http.Request) {})
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if old, now := read(t, path+".1"), lines(); len(old) != 1 || old[0]["path"] != "/before" || len(now) != 1 || now[0]["path"] != "/after" {
		t.Errorf("%v, %v", old, now)
	}
	l.sink.path = filepath.Join(path, "not a folder")
	if err := l.sink.reopen(); err == nil {
		t.Error("a file within a file")
	}
	if _, _, err := l.sink.flush(); err != nil {
		t.Error(err)
	}
	if _, err := Open(Config{File: "/"}, Deps{}); err == nil || !strings.Contains(err.Error(), "--access-log") {
		t.Errorf("%v", err)
	}
}

// A disk that takes nothing costs lines, and no memory and no waiting; that is told.
func TestWhatCantBeWrittenIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		read, write, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		read.Close()
		s := &sink{file: write, wake: make(chan struct{}, 1)}
		line := make([]byte, 1<<20)
		for range 7 {
			s.add(line)
		}
		if len(s.held) > mostHeld || s.dropped != 3 {
			t.Errorf("%d bytes held, %d lines dropped", len(s.held), s.dropped)
		}
		ctx, cancel := context.WithCancel(t.Context())
		told := make(chan string, 1)
		go s.run(ctx, nil, func(dropped int64, err error) { told <- fmt.Sprint(dropped, err != nil) })
		if got := <-told; got != "3 true" {
			t.Error(got)
		}
		cancel()
		synctest.Wait()
	})
}

// A disk that is full takes the beginning of what is written: the lines that it did not
// take are told, and when it has room again the next one is a line of its own.
func TestAFullDiskTearsOneLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access")
	s, err := openSink(path)
	if err != nil {
		t.Fatal(err)
	}
	room := fullAfter(t, 100)
	for i := range 10 {
		s.add(fmt.Appendf(nil, `{"n":%d,"path":"/film/seg-%d.ts"}`+"\n", i, i))
	}
	if _, dropped, err := s.flush(); dropped != 7 || err == nil {
		t.Errorf("%d lines are told, %v", dropped, err)
	}
	room()
	for i := range 2 {
		s.add(fmt.Appendf(nil, `{"n":%d}`+"\n", 20+i))
		if _, dropped, err := s.flush(); dropped != 0 || err != nil {
			t.Errorf("%d lines are told, %v", dropped, err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil || !strings.HasSuffix(string(text), "\n{\"n\":20}\n{\"n\":21}\n") || strings.Count(string(text), "\n") != 6 {
		t.Errorf("%v\n%s", err, text)
	}
}

// fullAfter lets this process's files grow to so many bytes, until what it returns is
// called.
func fullAfter(t *testing.T, bytes uint64) (room func()) {
	t.Helper()
	signal.Ignore(syscall.SIGXFSZ)
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		t.Fatal(err)
	}
	set := func(cur uint64) {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: cur, Max: was.Max}); err != nil {
			t.Fatal(err)
		}
	}
	set(bytes)
	return func() { set(was.Cur) }
}

// Whoever reads a pipe and takes nothing keeps no process from ending: what he did not
// take is told.
func TestWhoReadsThePipeAndTakesNothing(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	defer write.Close()
	s := &sink{file: write, wake: make(chan struct{}, 1)}
	line := append(make([]byte, 1023), '\n')
	for range 256 {
		s.add(line)
	}
	if _, dropped, err := s.flush(); dropped != 0 || err != nil || len(s.held) == 0 || len(s.held) == 256*len(line) || len(s.held)%len(line) != 0 {
		t.Fatalf("%d dropped, %v, %d bytes held", dropped, err, len(s.held))
	}
	held := int64(len(s.held) / len(line))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var told int64
	s.run(ctx, nil, func(dropped int64, _ error) { told += dropped })
	if told != held {
		t.Errorf("%d lines were lost, %d are told", held, told)
	}
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	late, err := openSink(pipe) // its reader is started after us, or is gone: nobody's picture waits for it
	if err != nil {
		t.Fatal(err)
	}
	defer late.file.Close()
	late.add(line)
	if _, dropped, err := late.flush(); dropped != 0 || err != nil {
		t.Fatalf("%d dropped, %v", dropped, err)
	}
	reader, err := os.OpenFile(pipe, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if n, err := reader.Read(make([]byte, 4096)); n != len(line) || err != nil {
		t.Errorf("who comes later reads %d bytes, %v", n, err)
	}
}
