package front

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"tandem/internal/front/kernel"
	"tandem/internal/h1"
)

// echoing is a Handler that says what it read.
func echoing(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	w.Header().Set("X-Target", r.RequestURI)
	fmt.Fprintf(w, "%s %s %s %d %d %.20q %v", r.Proto, r.Method, r.URL.Path, r.ContentLength, len(body), body, err)
}

func echoStage(t *testing.T, change ...func(*stage, *Config)) *stage {
	return newStage(t, append(change, func(_ *stage, c *Config) { c.Handler = http.HandlerFunc(echoing) })...)
}

// bodies are requests with bodies, with what the Handler says.
var bodies = []struct{ name, text, says string }{
	{"body", ask("POST", "/body", "Content-Length: 3") + "abc", `HTTP/1.1 POST /body 3 3 "abc" <nil>`},
	{"no bytes", ask("POST", "/body", "Content-Length: 0"), `HTTP/1.1 POST /body 0 0 "" <nil>`},
	{"chunked", ask("PUT", "/body", "Transfer-Encoding: chunked") + "1\r\na\r\n2;x=y\r\nbc\r\n0\r\nT: x\r\n\r\n", `HTTP/1.1 PUT /body -1 3 "abc" <nil>`},
	{"chunked, nothing", ask("PUT", "/body", "Transfer-Encoding: chunked") + "0\r\n\r\n", `HTTP/1.1 PUT /body -1 0 "" <nil>`},
	{"a request for a body", ask("GET", "/mem/5", "Content-Length: 26") + "GET /x HTTP/1.1\r\nHost: a\r\n", `HTTP/1.1 GET /mem/5 26 26 "GET /x HTTP/1.1\r\nHos" <nil>`},
	{"a request for a chunk", ask("GET", "/mem/5", "Transfer-Encoding: chunked") + "1a\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n0\r\n\r\n", `HTTP/1.1 GET /mem/5 -1 26 "GET /x HTTP/1.1\r\nHos" <nil>`},
	{"large", ask("POST", "/body", "Content-Length: 1000000") + strings.Repeat("x", 1000000), `HTTP/1.1 POST /body 1000000 1000000 "xxxxxxxxxxxxxxxxxxxx" <nil>`},
	{"large, chunked", ask("POST", "/body", "Transfer-Encoding: chunked") + strings.Repeat("186a0;ext=\"1\"\r\n"+strings.Repeat("x", 100000)+"\r\n", 10) + "0\r\n\r\n", `HTTP/1.1 POST /body -1 1000000 "xxxxxxxxxxxxxxxxxxxx" <nil>`},
	{"upgrade", ask("GET", "/up", "Connection: upgrade", "Upgrade: h2c"), `HTTP/1.1 GET /up 0 0 "" <nil>`},
	{"expectation without a body", ask("GET", "/expect", "Expect: 100-Continue"), `HTTP/1.1 GET /expect 0 0 "" <nil>`},
}

// However a body arrives, it is that body, and what is behind it is the next request.
func TestBodiesAreReadAndTheConnectionGoesOn(t *testing.T) {
	s := echoStage(t)
	for _, row := range bodies {
		for _, step := range []int{1 << 30, 1, 70} {
			text := ask("GET", "/mem/4") + row.text + row.text + ask("GET", "/mem/6")
			if step < 100 && len(text) > 10_000 {
				continue
			}
			c := call(t, s.addr)
			for b := []byte(text); len(b) > 0; b = b[min(step, len(b)):] {
				c.say("%s", b[:min(step, len(b))])
			}
			c.hearTarget("GET", "/mem/4")
			for range 2 {
				if r := c.hear("GET"); r.StatusCode != 200 || string(r.body) != row.says || r.Close {
					t.Errorf("%s by %d: %s %s, closing: %v", row.name, step, r.Status, r.body, r.Close)
				}
			}
			c.hearTarget("GET", "/mem/6")
			_ = c.Close()
		}
	}
}

func TestOldRequestsAreAnsweredAndAreTheLast(t *testing.T) {
	s := echoStage(t)
	for _, row := range []struct{ text, says string }{
		{"GET /old HTTP/1.0\r\n\r\n", `HTTP/1.0 GET /old 0 0 "" <nil>`},
		{"GET /old HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n", `HTTP/1.0 GET /old 0 0 "" <nil>`},
		{"POST /old HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc", `HTTP/1.0 POST /old 3 3 "abc" <nil>`},
		{"GET /mem/4 HTTP/1.0\r\n\r\n", string(plenty()[:4])},
	} {
		c := call(t, s.addr)
		c.say("%s", row.text+ask("GET", "/behind"))
		if r := c.hear("GET"); r.StatusCode != 200 || string(r.body) != row.says || !r.Close {
			t.Errorf("%q: %s %s, closing: %v", row.text, r.Status, r.body, r.Close)
		}
		if rest, _ := c.end(); len(rest) > 0 {
			t.Errorf("%q: what is behind it is answered: %q", row.text, rest)
		}
	}
}

// To an old client a body without a length ends with the connection: in order when it
// is whole, else by a reset. It gets no chunks, and no interim answers.
func TestOldClientsGetBodiesWithoutChunks(t *testing.T) {
	s := newStage(t, func(_ *stage, c *Config) {
		c.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusEarlyHints)
			for range 3 {
				_, _ = w.Write([]byte("some"))
				w.(http.Flusher).Flush()
			}
			if r.URL.Path == "/breaks" {
				panic(http.ErrAbortHandler)
			}
		})
	})
	for target, how := range map[string]string{"/whole": inOrder, "/breaks": byReset} {
		c := call(t, s.addr)
		c.say("GET " + target + " HTTP/1.0\r\n\r\n")
		rest, got := c.end()
		head, body, _ := strings.Cut(string(rest), "\r\n\r\n")
		if !strings.HasPrefix(head, "HTTP/1.1 200 OK\r\n") || strings.Contains(head, "Transfer-Encoding") || !strings.HasPrefix("somesomesome", body) || got != how {
			t.Errorf("%s: %q ended %s", target, rest, got)
		}
		if how == inOrder && body != "somesomesome" {
			t.Errorf("%s: %q", target, body)
		}
	}
}

// malformedBodies are refused whatever the Handler makes of them: it may have gone wrong
// at any byte.
var malformedBodies = []string{
	"x\r\n", " 5\r\nhello\r\n0\r\n\r\n", "+5\r\nhello\r\n0\r\n\r\n", "5 \r\nhello\r\n0\r\n\r\n", "5;\r\nhello\r\n0\r\n\r\n", "5\nhello\n0\n\n",
	"5\r\nhello!!\r\n0\r\n\r\n", "5\r\nhello0\r\n\r\n", "5\r\nhello\r\n0\r\nno trailer\r\n\r\n", "FFFFFFFFFFFFFFFF0\r\nhello\r\n0\r\n\r\n",
}

func TestMalformedBodyIsRefusedWhateverTheHandlerSays(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"reads all":    echoing,
		"says nothing": func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) },
		"sends a file": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("Content-Length", "100")
			if _, err := w.(io.ReaderFrom).ReadFrom(&kernel.Extent{File: onDisk(), Left: 100}); err != nil {
				panic(http.ErrAbortHandler)
			}
		},
		"fails": func(w http.ResponseWriter, r *http.Request) {
			_, err := io.ReadAll(r.Body)
			var m *h1.Malformed
			if !errors.As(err, &m) {
				panic(err)
			}
			http.Error(w, "the origin has failed", http.StatusBadGateway)
		},
	} {
		s := newStage(t, func(_ *stage, c *Config) { c.Handler = h })
		for _, body := range malformedBodies {
			c := call(t, s.addr)
			c.say("%s", ask("POST", "/x", "Transfer-Encoding: chunked")+body+ask("GET", "/mem/4"))
			if r := c.hear("GET"); r.StatusCode != http.StatusBadRequest || !r.Close || len(r.body) == 0 {
				t.Errorf("%s: %q: %s %q, closing: %v", name, body, r.Status, r.body, r.Close)
			}
			if rest, _ := c.end(); len(rest) > 0 {
				t.Errorf("%s: %q: what is behind it is answered: %q", name, body, rest)
			}
			_ = c.Close()
		}
	}
}

// What the Handler has not read is never taken for a request.
func TestAnAnswerBeforeTheBodyWasReadIsTheLast(t *testing.T) {
	s := newStage(t, func(_ *stage, c *Config) {
		c.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/some" {
				_, _ = io.ReadFull(r.Body, make([]byte, 2))
			}
			_, _ = io.WriteString(w, "no")
		})
	})
	for _, target := range []string{"/none", "/some"} {
		for _, fields := range []string{"Content-Length: 28", "Transfer-Encoding: chunked"} {
			c := call(t, s.addr)
			c.say(ask("POST", target, fields) + "1c\r\n" + ask("GET", "/mem/4") + ask("GET", "/mem/4"))
			if r := c.hear("GET"); string(r.body) != "no" || !r.Close {
				t.Errorf("%s %s: %q, closing: %v", target, fields, r.body, r.Close)
			}
			c.ends(inOrder)
		}
	}
}

func TestBodyIsAskedForWhereTheClientWaits(t *testing.T) {
	s := echoStage(t)
	c := call(t, s.addr)
	for range 2 {
		c.say(ask("POST", "/x", "Expect: 100-continue", "Content-Length: 3"))
		if line, err := c.r.ReadString('\n'); err != nil || line != "HTTP/1.1 100 Continue\r\n" {
			t.Fatalf("%q, %v", line, err)
		}
		_, _ = c.r.ReadString('\n')
		c.say("a")
		s.pass()
		c.say("bc")
		if r := c.hear("POST"); string(r.body) != `HTTP/1.1 POST /x 3 3 "abc" <nil>` || r.Close {
			t.Errorf("%q, closing: %v", r.body, r.Close)
		}
	}
	// Who does not wait is not asked, and an old one does not know what it would be.
	for _, text := range []string{"POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\na", "POST /x HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"} {
		other := call(t, s.addr)
		away := s.ways.Away.Load()
		other.say("%s", text)
		eventually(t, "it is away", func() bool { return s.ways.Away.Load() > away })
		time.Sleep(short) // for it to be asked, if it is
		other.say("%s", "abc"[strings.Count(text[len(text)-1:], "a"):])
		if r := other.hear("POST"); r.StatusCode != 200 {
			t.Errorf("%q: %s", text, r.Status)
		}
	}
	c.say(ask("GET", "/x", "Expect: something"))
	if r := c.hear("GET"); r.StatusCode != http.StatusExpectationFailed || !r.Close {
		t.Errorf("%s, closing: %v", r.Status, r.Close)
	}
	c.ends(inOrder)
}

// A client that waits to be asked, and gets its answer, has not to send its body.
func TestBodyThatNobodyWantsIsNotAskedFor(t *testing.T) {
	s := newStage(t, func(_ *stage, c *Config) {
		c.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			w.(http.Flusher).Flush()
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(short))
			if _, err := r.Body.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("reading: %v", err)
			}
		})
	})
	c := call(t, s.addr)
	c.say(ask("POST", "/x", "Expect: 100-continue", "Content-Length: 3"))
	if r := c.hear("POST"); r.StatusCode != http.StatusForbidden || !r.Close {
		t.Errorf("%s, closing: %v", r.Status, r.Close)
	}
	c.ends(inOrder)
}

// A body that stops, or drips, is not waited for.
func TestBodyThatDoesNotArriveInTimeIsRefused(t *testing.T) {
	for _, rate := range []int64{0, 1 << 20} {
		s := echoStage(t, func(_ *stage, c *Config) { c.BodyRate, c.BodyGrace = rate, 2*short })
		c := call(t, s.addr)
		begin := time.Now()
		c.say(ask("POST", "/x", "Content-Length: 1000000") + "abc")
		over := make(chan struct{})
		go func() {
			defer close(over)
			for tick := time.NewTicker(short / 2); rate > 0; <-tick.C { // each byte in time, and all of them too slow
				if _, err := io.WriteString(c.over, "x"); err != nil {
					return
				}
			}
		}()
		if r := c.hear("POST"); r.StatusCode != http.StatusRequestTimeout || !r.Close {
			t.Errorf("at a rate of %d: %s, closing: %v", rate, r.Status, r.Close)
		}
		since(t, begin, 2*short)
		if rest, _ := c.end(); len(rest) > 0 {
			t.Errorf("at a rate of %d: %q is behind it", rate, rest)
		}
		<-over
	}
}

// A Handler's own pause is not the client's.
func TestBodyThatWaitsToBeReadIsNotSlow(t *testing.T) {
	s := newStage(t, func(_ *stage, c *Config) {
		c.BodyRate, c.BodyGrace = 1<<20, short
		c.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n := 0
			for b := make([]byte, 100); ; time.Sleep(short / 2) {
				got, err := r.Body.Read(b)
				if n += got; err != nil {
					fmt.Fprint(w, n, " ", err)
					return
				}
			}
		})
	})
	c := call(t, s.addr)
	c.say(ask("POST", "/x", "Content-Length: 1000") + strings.Repeat("x", 1000))
	if r := c.hear("POST"); string(r.body) != "1000 EOF" {
		t.Errorf("%s %q", r.Status, r.body)
	}
}

// A client that ends in a body has not said all of it.
func TestBodyThatIsCutOffIsNotTheWhole(t *testing.T) {
	for _, fields := range []string{"Content-Length: 10", "Transfer-Encoding: chunked"} {
		got := make(chan error, 1)
		s := newStage(t, func(_ *stage, c *Config) {
			c.Handler = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				_, err := io.ReadAll(r.Body)
				got <- err
				panic(http.ErrAbortHandler)
			})
		})
		c := call(t, s.addr)
		c.lastWords(ask("POST", "/x", fields) + "3\r\nabc\r\n")
		if err := <-got; !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: %v", fields, err)
		}
		_, _ = c.end()
	}
}

// A client that sends no more once it has sent its body waits for the answer still.
func TestHalfClosedBehindABodyIsAnswered(t *testing.T) {
	plainOnly(t)
	came, answer := make(chan struct{}), make(chan struct{})
	s := newStage(t, oneLoop, func(_ *stage, c *Config) {
		c.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			came <- struct{}{}
			<-answer
			fmt.Fprintf(w, "%s %v %v", body, err, r.Context().Err())
		})
	})
	for _, all := range []bool{true, false} {
		release := s.hold()
		c := call(t, s.addr)
		c.say(ask("POST", "/x", "Content-Length: 3") + "abc")
		if all {
			_ = c.CloseWrite()
		}
		release()
		await(t, "the body", came)
		_ = c.CloseWrite()
		s.pass()
		s.pass()
		answer <- struct{}{}
		if r := c.hear("POST"); string(r.body) != "abc <nil> <nil>" {
			t.Errorf("with all at once %v: %s %q", all, r.Status, r.body)
		}
		c.ends(inOrder)
	}
}

// An answer may begin before the body ends, and they may go on side by side.
func TestBodyAndAnswerMayFlowTogether(t *testing.T) {
	s := newStage(t, func(_ *stage, c *Config) {
		c.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(flushes{w}, r.Body) })
	})
	c := call(t, s.addr)
	c.say(ask("POST", "/x", "Content-Length: 30"))
	for i := range 3 {
		c.say("0123456789")
		if i > 0 {
			continue
		}
		if line, err := c.r.ReadString('\n'); err != nil || line != "HTTP/1.1 200 OK\r\n" {
			t.Fatalf("%q, %v", line, err)
		}
	}
	c.r = bufio.NewReader(io.MultiReader(strings.NewReader("HTTP/1.1 200 OK\r\n"), c.r))
	if r := c.hear("POST"); string(r.body) != "012345678901234567890123456789" || !r.Close {
		t.Errorf("%q, closing: %v", r.body, r.Close)
	}
	c.ends(inOrder)
}

// flushes sends at once.
type flushes struct{ http.ResponseWriter }

func (f flushes) Write(b []byte) (int, error) {
	n, err := f.ResponseWriter.Write(b)
	f.ResponseWriter.(http.Flusher).Flush()
	return n, err
}

func TestAskingForAllOptionsIsAnsweredHere(t *testing.T) {
	s := echoStage(t)
	c := call(t, s.addr)
	c.say(ask("OPTIONS", "*") + ask("OPTIONS", "*", "Content-Length: 3") + "abc" + ask("GET", "/behind"))
	for _, last := range []bool{false, true} {
		if r := c.hear("GET"); r.StatusCode != http.StatusOK || len(r.body) > 0 || r.Close != last {
			t.Errorf("%s, %q, closing: %v; want %v", r.Status, r.body, r.Close, last)
		}
	}
	c.ends(inOrder)
}
