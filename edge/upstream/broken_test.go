package upstream

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tandem/internal/h1"
	"tandem/internal/wire"
)

// A connection that one origin resets before its answer is tried once more; what is
// not safe, and what is broken again, is not.
func TestBrokenConnectionOfTheOnlyServerIsTriedAgain(t *testing.T) {
	var asked atomic.Int64
	url := raw(t, func(c net.Conn, line string) {
		if n := asked.Add(1); n%2 == 1 || strings.Contains(line, "never") {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Le")
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nwhole")
	})
	x := newUnder(t, nil, of(url))
	x.says("/x", "whole")
	if _, _, err := x.ask(&Request{Method: http.MethodPost, Target: "/x", Body: strings.NewReader("b"), Length: 1}); err == nil || asked.Load() != 3 {
		t.Errorf("POST: %v, asked %d times", err, asked.Load())
	}
	if _, _, err := x.get("/never"); err == nil || asked.Load() != 5 {
		t.Errorf("broken twice: %v, asked %d times", err, asked.Load())
	}
}

// A status that no request of an edge's has for an answer is no answer.
func TestStatusThatIsNotFinalIsTheOriginsFault(t *testing.T) {
	url := raw(t, func(c net.Conn, line string) {
		_, _ = io.WriteString(c, "HTTP/1.1 "+strings.Fields(line)[1][1:]+" Strange\r\nUpgrade: x\r\nContent-Length: 2\r\n\r\nhi")
	})
	x := newUnder(t, nil, of(url))
	for _, status := range []string{"101", "000", "099", "304"} {
		if got, _, err := x.get("/" + status); err == nil {
			t.Errorf("%s: %d", status, got)
		}
	}
	x.says("/200", "hi")
	if got, body, err := x.get("/999"); err != nil || got != 999 || body != "hi" {
		t.Errorf("a status of no class: %d %q, %v", got, body, err)
	}
	for _, name := range []string{"If-None-Match", "If-Modified-Since"} {
		if got, _, err := x.ask(&Request{Method: http.MethodGet, Target: "/304", Header: http.Header{name: {`"v1"`}}}); got != http.StatusNotModified {
			t.Errorf("304 to who asks with %s: %d %v", name, got, err)
		}
	}
}

// A field whose name is none goes no further: whoever reads it next may take it for
// another one.
func TestFieldWhoseNameIsNoneIsDropped(t *testing.T) {
	url := raw(t, func(c net.Conn, _ string) {
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nSet Cookie: a\r\nX-Kept: c\r\nContent-Length: 2\r\n\r\nhi")
	})
	resp, err := newUnder(t, nil, of(url)).Do(t.Context(), &Request{Method: http.MethodGet, Target: "/x"})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if h := resp.Header; len(h) != 2 || h.Get("X-Kept") != "c" {
		t.Errorf("fields: %v", h)
	}
}

// What a balancer would not take of an edge no edge takes of an origin: the origin is at
// fault then, and no edge.
func TestHeadThatABalancerWouldNotTakeIsTheOriginsFault(t *testing.T) {
	url := raw(t, func(c net.Conn, line string) {
		fields, size := 0, 0
		_, _ = fmt.Sscanf(strings.Fields(line)[1], "/%d/%d", &fields, &size)
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"+strings.Repeat("X-N: "+strings.Repeat("n", size)+"\r\n", fields)+"\r\nhi")
	})
	x := newUnder(t, nil, of(url))
	x.says(fmt.Sprintf("/%d/1", h1.Origins.Fields-1), "hi")
	x.says("/1/20000", "hi")
	for _, target := range []string{fmt.Sprintf("/%d/1", h1.Origins.Fields), fmt.Sprintf("/2/%d", h1.Origins.Head/2)} {
		if got, _, err := x.get(target); !errors.Is(err, ErrAnswer) {
			t.Errorf("%s: %d, %v", target, got, err)
		}
	}
}

// Balancers read a length of 18 digits, edges' HTTP library one of 19.
func TestLengthThatABalancerWouldNotTakeIsTheOriginsFault(t *testing.T) {
	url := raw(t, func(c net.Conn, line string) {
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: "+strings.Fields(line)[1][1:]+"\r\n\r\nhi")
	})
	x := newUnder(t, nil, of(url))
	x.says("/2", "hi")
	if got, _, err := x.get("/999999999999999999"); errors.Is(err, ErrAnswer) {
		t.Errorf("one that balancers take: %d, %v", got, err)
	}
	for _, target := range []string{"/1000000000000000000", "/9223372036854775807"} {
		if got, _, err := x.get(target); !errors.Is(err, ErrAnswer) {
			t.Errorf("%s: %d, %v", target, got, err)
		}
	}
}

// An origin that ends a connection for having been idle may say so with 408, which is
// then read as the answer to the next request.
func TestIdleConnectionThatTimedOutIsNoAnswer(t *testing.T) {
	var mu sync.Mutex
	seen := map[string]int{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		seen[r.RemoteAddr]++
		n := seen[r.RemoteAddr]
		mu.Unlock()
		if n == 2 || strings.Contains(r.URL.Path, "always") {
			w.Header().Set("Connection", "close")
			w.WriteHeader(http.StatusRequestTimeout)
			return
		}
		_, _ = io.WriteString(w, "whole")
	}))
	defer s.Close()
	x := newUnder(t, nil, of(s.URL))
	for range 4 {
		x.says("/x", "whole")
	}
	if status, _, err := x.get("/always"); status != http.StatusRequestTimeout || err != nil {
		t.Errorf("an origin that means it: %d %v", status, err)
	}
}

// A request under which its origin's connections break is not sent on every idle one
// that there is: it may be what breaks them.
func TestRequestThatBreaksConnectionsIsSentAFewTimesAlone(t *testing.T) {
	const idle = 20
	var poisoned atomic.Int64
	var here sync.WaitGroup
	here.Add(idle)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/poison" {
			poisoned.Add(1)
			panic(http.ErrAbortHandler)
		}
		if len(r.Header["Content-Length"])+len(r.TransferEncoding) > 0 {
			t.Errorf("a GET with a body: %v %v", r.Header, r.TransferEncoding)
		}
		here.Done()
		here.Wait() // so that each has a connection of its own
		_, _ = io.WriteString(w, "whole")
	}))
	defer s.Close()
	x := newUnder(t, nil, of(s.URL))
	var all sync.WaitGroup
	for range idle {
		all.Go(func() { x.says("/x", "whole") })
	}
	all.Wait()
	if status, _, err := x.get("/poison"); err == nil || poisoned.Load() > 4 {
		t.Errorf("%d %v, sent %d times", status, err, poisoned.Load())
	}
}

// What is asked again under a connection that ended goes by one of its own, which is not
// kept: one that becomes idle while it is made may end in the same moment, and so on.
func TestWhatIsAskedAgainHasItsOwnConnection(t *testing.T) {
	var mu sync.Mutex
	seen, own := map[string]int{}, 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if seen[r.RemoteAddr]++; seen[r.RemoteAddr] == 2 {
			panic(http.ErrAbortHandler)
		}
		if r.Close {
			own++
		}
		_, _ = io.WriteString(w, "whole")
	}))
	defer s.Close()
	x := newUnder(t, nil, of(s.URL))
	for i := range 4 { // each second one finds an idle connection that ends under it
		x.says("/x", "whole")
		if own != (i+1)/2 {
			t.Errorf("after %d requests %d were asked again by a connection of their own", i+1, own)
		}
	}
}

// Of a server that is alone one connection is silent, or one of its workers: the request is
// made once more by another one, and the server is held to be well. What it says is the
// answer, errors too, and a blocking reload is waited for.
func TestAServerThatIsAloneIsAskedOnceMoreWhereItIsSilent(t *testing.T) {
	over := make(chan struct{})
	defer close(over)
	var asked atomic.Int64
	url := raw(t, func(c net.Conn, line string) {
		if asked.Add(1) == 1 {
			<-over
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood")
	})
	u := of(url)
	u.Next = wire.Span(20 * time.Millisecond)
	x := newUnder(t, nil, u)
	x.says("/x", "good")
	if n := asked.Load(); n != 2 || x.tries(url, "late") != 0 || x.tries(url, "answered") != 1 {
		t.Errorf("%d requests, %+v", n, x.Figures())
	}
	busy, times := saying(t, 503, "busy")
	if status, _, err := newUnder(t, nil, of(busy)).get("/x"); status != 503 || err != nil || times.Load() != 1 {
		t.Errorf("%d %v, after %d requests", status, err, times.Load())
	}
}
