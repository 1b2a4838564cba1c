package upstream

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"tandem/internal/wire"
)

// clock is a time that its test moves.
type clock struct{ atomic.Int64 }

func (c *clock) now() time.Time           { return time.Unix(1e9, c.Load()) }
func (c *clock) advance(by time.Duration) { c.Add(int64(by)) }

// log is what was logged.
type log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// under are upstreams under test.
type under struct {
	*Upstreams
	t     *testing.T
	clock *clock
	log   *log
}

func newUnder(t *testing.T, lookup func(string) []string, all ...wire.Upstream) *under {
	t.Helper()
	x := &under{t: t, clock: &clock{}, log: &log{}}
	deps := Deps{Logger: zerolog.New(x.log), Now: x.clock.now}
	if lookup != nil {
		deps.Lookup = func(_ context.Context, host string) (found []netip.Addr, err error) {
			for _, text := range lookup(host) {
				found = append(found, netip.MustParseAddr(text))
			}
			if found == nil {
				err = errors.New("no such host")
			}
			return found, err
		}
	}
	var err error
	if x.Upstreams, err = New(Config{HeadTimeout: 5 * time.Second}, deps, all); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(x.Close)
	return x
}

// get asks and reads the whole answer.
func (x *under) get(target string) (int, string, error) {
	x.t.Helper()
	return x.ask(&Request{Method: http.MethodGet, Target: target})
}

func (x *under) ask(r *Request) (int, string, error) {
	x.t.Helper()
	resp, err := x.Do(x.t.Context(), r)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}

// says asks and compares.
func (x *under) says(target, want string) {
	x.t.Helper()
	if status, text, err := x.get(target); err != nil || status != 200 || text != want {
		x.t.Errorf("%s: %d %q %v, want %q", target, status, text, err, want)
	}
}

// tries are a server's figures.
func (x *under) tries(origin, result string) int64 {
	for _, f := range x.Figures() {
		if origin == f.Origin {
			return f.Tries[result]
		}
	}
	return -1
}

// of is an upstream for everything.
func of(urls ...string) wire.Upstream {
	u := wire.Upstream{Prefix: "/"}
	for _, url := range urls {
		u.Servers = append(u.Servers, wire.UpstreamServer{URL: url})
	}
	return u
}

// saying is an origin that says the same to everybody.
func saying(t *testing.T, status int, text string) (url string, asked *atomic.Int64) {
	t.Helper()
	asked = &atomic.Int64{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}))
	t.Cleanup(s.Close)
	return s.URL, asked
}

// raw is an origin that gets connections whose first head was read.
func raw(t *testing.T, serve func(c net.Conn, line string)) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	t.Cleanup(func() { l.Close(); all.Wait() })
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer c.Close()
				in := bufio.NewReader(c)
				line, err := in.ReadString('\n')
				for text := line; err == nil && text != "\r\n"; {
					text, err = in.ReadString('\n')
				}
				serve(c, strings.TrimSpace(line))
			})
		}
	})
	return "http://" + l.Addr().String()
}

// hanging is an origin that takes requests and says nothing until the test ends.
func hanging(t *testing.T) (url string, asked *atomic.Int64) {
	t.Helper()
	asked = &atomic.Int64{}
	over := make(chan struct{})
	url = raw(t, func(net.Conn, string) { asked.Add(1); <-over })
	t.Cleanup(func() { close(over) })
	return url, asked
}

// refusing is an address at which nobody listens.
func refusing(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}

// A name is what it was: nothing is decoded, merged or dropped on the way out.
func TestTargetGoesOutByteForByte(t *testing.T) {
	url := raw(t, func(c net.Conn, line string) {
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"+line)
	})
	for _, base := range []string{"", "/bucket", "/a%2Fb/c"} {
		x := newUnder(t, nil, of(url+base))
		for _, target := range []string{
			"/", "/a%2Fb.ts", "/a//b.ts", "/a/../b", "/%7Ea", "/a+b(1)'!*", "/x?sig=a%2Fb%3D&x=*&&", "/x?", "/%E4%BD%A0.ts?a=b?c", "//x/y.ts", "//x//y?z", "/a%3Fb=1", "/http://h/i", "/a;b,c=d@e:f$g",
		} {
			if _, line, err := x.get(target); err != nil || line != "GET "+base+target+" HTTP/1.1" {
				t.Errorf("%s%s: %q %v", base, target, line, err)
			}
		}
	}
}

func TestNextServerIsAskedWhenOneFails(t *testing.T) {
	good, _ := saying(t, 200, "good")
	busy, _ := saying(t, 503, "busy")
	for how, bad := range map[string]string{
		"refuses": refusing(t), "is busy": busy,
		"resets":       raw(t, func(c net.Conn, _ string) { _ = c.(*net.TCPConn).SetLinger(0) }),
		"closes":       raw(t, func(net.Conn, string) {}),
		"says no HTTP": raw(t, func(c net.Conn, _ string) { _, _ = io.WriteString(c, "SSH-2.0-OpenSSH\r\n\r\n") }),
		"codes": raw(t, func(c net.Conn, _ string) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n")
		}),
		"long head": raw(t, func(c net.Conn, _ string) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nX: "+strings.Repeat("x", 1<<20)+"\r\n\r\n")
		}),
	} {
		x := newUnder(t, nil, of(bad, good))
		x.says("/"+strings.ReplaceAll(how, " ", "-"), "good")
		if n := x.tries(good, "answered"); n != 1 || x.tries(bad, "answered") != 0 {
			t.Errorf("%s: %+v", how, x.Figures())
		}
	}
	// When none answers, what was said counts more than what was not.
	if status, text, err := newUnder(t, nil, of(busy, refusing(t))).get("/x"); status != 503 || text != "busy" || err != nil {
		t.Errorf("busy, then nobody: %d %q %v", status, text, err)
	}
	if _, _, err := newUnder(t, nil, of(refusing(t), refusing(t))).get("/x"); !errors.Is(err, ErrConnect) {
		t.Errorf("nobody: %v", err)
	}
	if _, _, err := newUnder(t, nil, of(raw(t, func(net.Conn, string) {}))).get("/x"); !errors.Is(err, ErrAnswer) || errors.Is(err, ErrConnect) {
		t.Errorf("closes: %v", err)
	}
}

// What may change something is asked once, but for a server that never got it.
func TestUnsafeRequestIsSentOnce(t *testing.T) {
	busy, first := saying(t, 503, "busy")
	good, second := saying(t, 201, "made")
	x := newUnder(t, nil, of(busy, good))
	post := func() (int, string, error) {
		return x.ask(&Request{Method: http.MethodPost, Target: "/x", Body: strings.NewReader("body"), Length: 4})
	}
	if status, _, err := post(); status != 503 || err != nil || first.Load() != 1 || second.Load() != 0 {
		t.Errorf("busy: %d %v, asked %d, %d", status, err, first.Load(), second.Load())
	}
	if status, _, err := x.ask(&Request{Method: http.MethodDelete, Target: "/x"}); status != 503 || err != nil || second.Load() != 0 {
		t.Errorf("busy: %d %v, the second was asked %d times", status, err, second.Load())
	}
	var got string
	taking := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got = string(b)
		w.WriteHeader(201)
	}))
	defer taking.Close()
	if err := x.Set([]wire.Upstream{of(refusing(t), taking.URL)}); err != nil {
		t.Fatal(err)
	}
	if status, _, err := post(); status != 201 || err != nil || got != "body" {
		t.Errorf("refused by the first: %d %v %q", status, err, got)
	}
}

// An overload does not double itself: tries beyond the first have a budget.
func TestRetriesHaveABudget(t *testing.T) {
	one, first := saying(t, 503, "")
	two, second := saying(t, 503, "")
	x := newUnder(t, nil, of(one, two))
	const requests = 300
	for range requests {
		if status, _, err := x.get("/x"); status != 503 || err != nil {
			t.Fatal(status, err)
		}
	}
	if n := first.Load() + second.Load(); n > requests+budgetMost+requests*budgetEach+1 || n <= requests {
		t.Errorf("%d tries for %d requests", n, requests)
	}
}

// An origin holds a blocking reload on purpose: that is no silence.
func TestBlockingReloadIsNotAskedOfTwo(t *testing.T) {
	second, asked := saying(t, 200, "second")
	for _, others := range [][]string{{second}, nil} {
		goOn, times := make(chan struct{}), atomic.Int64{}
		first := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			times.Add(1)
			<-goOn
			_, _ = io.WriteString(w, "first")
		}))
		defer first.Close()
		u := of(append([]string{first.URL}, others...)...)
		u.Next = wire.Span(time.Millisecond)
		x := newUnder(t, nil, u)
		time.AfterFunc(100*time.Millisecond, func() { close(goOn) })
		x.says("/live.m3u8?_HLS_msn=7&_HLS_part=1", "first")
		if asked.Load() != 0 || times.Load() != 1 {
			t.Errorf("the first one was asked %d times, the second one %d times", times.Load(), asked.Load())
		}
	}
}

func TestSpreadKeepsAFolderAtOneServer(t *testing.T) {
	var urls []string
	for _, name := range []string{"a", "b", "c"} {
		url, _ := saying(t, 200, name)
		urls = append(urls, url)
	}
	u := of(urls...)
	u.Policy = wire.UpstreamSpread
	x := newUnder(t, nil, u)
	seen := map[string]int{}
	for i := range 60 {
		folder := "/stream" + strings.Repeat("x", i) + "/"
		_, one, err := x.get(folder + "1.ts")
		_, two, _ := x.get(folder + "2.ts?q")
		if err != nil || one != two {
			t.Fatalf("%s: %s and %s, %v", folder, one, two, err)
		}
		seen[one]++
	}
	for _, name := range []string{"a", "b", "c"} {
		if seen[name] < 5 {
			t.Errorf("%v", seen)
		}
	}
}

func TestListOfUpstreamsIsReplacedOrNothingChanges(t *testing.T) {
	news, _ := saying(t, 200, "news")
	rest, _ := saying(t, 200, "rest")
	u := of(news)
	u.Prefix = "/news/"
	x := newUnder(t, nil, u, of(rest))
	x.says("/news/1.ts", "news")
	x.says("/newsflash", "rest")
	if err := x.Set([]wire.Upstream{{Prefix: "news"}}); err == nil {
		t.Error("a wrong list was taken")
	}
	bad := of(strings.Replace(rest, "http:", "https:", 1))
	bad.CA = "-----BEGIN nothing"
	if err := x.Set([]wire.Upstream{bad}); err == nil || !strings.Contains(err.Error(), "ca: no certificate") {
		t.Error(err)
	}
	if err := x.Set([]wire.Upstream{u}); err != nil {
		t.Fatal(err)
	}
	if x.tries(news, "answered") != 1 {
		t.Error("what stayed as it was is not known any more")
	}
	if _, _, err := x.get("/else"); !errors.Is(err, ErrNone) {
		t.Error(err)
	}
}

// What comes behind an answer is nobody's: the next request is not broken by it.
func TestExcessBytesBreakNoOtherRequest(t *testing.T) {
	excess := make(chan struct{})
	url := raw(t, func(c net.Conn, line string) {
		in := bufio.NewReader(c)
		for n := 0; ; n++ {
			body := ""
			if !strings.HasPrefix(line, "HEAD ") || strings.Contains(line, "body") {
				body = "text"
			}
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"+body)
			next, err := in.ReadString('\n')
			for text := next; err == nil && text != "\r\n"; {
				text, err = in.ReadString('\n')
			}
			if err != nil {
				return
			}
			if line = strings.TrimSpace(next); strings.Contains(line, "late") && n == 0 {
				_, _ = io.WriteString(c, "garbage in place of an answer\r\n\r\n")
				<-excess
				return
			}
		}
	})
	defer close(excess)
	x := newUnder(t, nil, of(url))
	x.says("/first", "text")
	x.says("/late", "text") // on the same connection, which says what is no answer
	if resp, err := x.Do(t.Context(), &Request{Method: http.MethodHead, Target: "/body"}); err != nil || resp.ContentLength != 4 {
		t.Fatal(err)
	}
	x.says("/behind-head", "text")
}
