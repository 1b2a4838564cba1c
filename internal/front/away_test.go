package front

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"tandem/internal/front/kernel"
)

// seen is what a client sees of an answer.
type seen struct {
	interim string // the 1xx before it
	status  int
	framing string // "length N", "chunked", "none"
	fields  string // but those of framing, Date and Connection
	body    string
	cut     string // how the connection ended in its middle; "": it is whole
	then    string // what becomes of the connection after it
}

const (
	goesOn    = "goes on"
	announced = "ends in order, as was said"
	nothing   = "nothing came"
	garbage   = "by what is no answer"
)

// watch sends a request for a deed and looks at what comes.
func watch(t *testing.T, addr string, d *deed) (x seen) {
	t.Helper()
	c := call(t, addr)
	defer c.Close()
	c.say(ask(d.asks(), "/deed", append([]string{"Deed: " + d.name}, d.fields...)...))
	resp, err := http.ReadResponse(c.r, &http.Request{Method: d.asks()})
	for ; err == nil && resp.StatusCode < 200 && resp.StatusCode != http.StatusSwitchingProtocols; resp, err = http.ReadResponse(c.r, &http.Request{Method: d.asks()}) {
		x.interim += fmt.Sprint(resp.StatusCode, " ", said(resp.Header), framingOf(resp.Header, resp.TransferEncoding), "; ")
	}
	if err != nil {
		return seen{interim: x.interim, framing: nothing, then: howEnded(t, err)}
	}
	x.status, x.fields, x.framing = resp.StatusCode, said(resp.Header), framingOf(resp.Header, resp.TransferEncoding)
	body, err := io.ReadAll(resp.Body)
	x.body = fmt.Sprintf("%d bytes %.20q", len(body), body)
	switch {
	case err != nil:
		x.cut = howEnded(t, err)
	case resp.Close:
		x.then = announced
		c.ends(inOrder)
	default:
		x.then = c.another()
	}
	return x
}

// another asks once more and tells what happens.
func (c *caller) another() string {
	_, err := io.WriteString(c.over, ask("GET", "/deed", "Deed: nothing at all", "Connection: close"))
	var resp *http.Response
	if err == nil {
		resp, err = http.ReadResponse(c.r, nil)
	}
	if err != nil {
		if howEnded(c.t, err) == garbage {
			return garbage
		}
		return "ends without a word" // how is not seen for sure: what was sent meanwhile is answered by a reset
	}
	if rest, err := io.ReadAll(resp.Body); err != nil || len(rest) > 0 || resp.StatusCode != 200 || !resp.Close {
		return fmt.Sprintf("goes on wrongly: %s %q, %v", resp.Status, rest, err)
	}
	return goesOn
}

func howEnded(t *testing.T, err error) string {
	t.Helper()
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return inOrder
	case isReset(err):
		return byReset
	case errors.Is(err, os.ErrDeadlineExceeded):
		t.Error("nothing comes")
		return "never"
	default:
		return garbage
	}
}

// said lists the fields that the handler can want.
func said(h http.Header) string {
	var all []string
	for name, values := range h {
		switch name {
		case "Date", "Content-Length", "Connection":
		default:
			all = append(all, fmt.Sprintf("%s=%q", name, values))
		}
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

func framingOf(h http.Header, codings []string) string {
	switch {
	case len(codings) > 0 && h["Content-Length"] == nil:
		return strings.Join(codings, ",")
	case len(codings) > 0:
		return fmt.Sprint(codings, " and length ", h["Content-Length"])
	case h["Content-Length"] != nil:
		return "length " + strings.Join(h["Content-Length"], ",")
	default:
		return "none"
	}
}

// perform is a Handler that does the deed that a request names. Content-Type
// is said where the handler says none, as net/http would guess it; a room that
// serves media does not.
func perform(w http.ResponseWriter, r *http.Request) {
	name := r.Header.Get("Deed")
	for i := range deeds {
		if d := &deeds[i]; d.name == name {
			w.Header().Set("Content-Type", "text/x")
			d.serve(w, r)
			return
		}
	}
}

// oracle is net/http with the same handlers.
func oracle(t *testing.T) (addr string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(perform), ErrorLog: log.New(io.Discard, "", 0)}
	ended := make(chan error)
	go func() { ended <- server.Serve(ln) }()
	t.Cleanup(func() {
		_ = server.Close()
		<-ended
	})
	return ln.Addr().String()
}

func TestHandlersAnswersLookAsNetHTTPMakesThem(t *testing.T) {
	plainOnly(t)
	s := newStage(t, func(_ *stage, c *Config) { c.Handler = http.HandlerFunc(perform) })
	theirs := oracle(t)
	for i := range deeds {
		d := &deeds[i]
		want, got := watch(t, theirs, d), watch(t, s.addr, d)
		if d.ours != nil {
			same := want
			if d.ours(&want); want == same {
				t.Errorf("%s: net/http does it as we want it by now; the row can say so", d.name)
			}
		}
		if got != want {
			t.Errorf("%s:\n we:   %+v\n want: %+v", d.name, got, want)
		}
		for n := range d.panics {
			select {
			case <-s.panics:
			case <-time.After(patience):
				t.Errorf("%s: panic %d was not told", d.name, n)
			}
		}
	}
	if len(s.panics) > 0 {
		t.Errorf("more panics were told: %v", <-s.panics)
	}
	if n := s.ways.Quick.Load(); n > 0 {
		t.Errorf("%d requests did not go away", n)
	}
}

// fed is a socket from which n bytes come, and no more.
func fed(n int) (*net.TCPConn, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer ln.Close()
	out, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		return nil, err
	}
	in, err := ln.Accept()
	if err != nil {
		return nil, err
	}
	go func() {
		_, _ = out.Write(plenty()[:n])
		_ = out.Close()
	}()
	return in.(*net.TCPConn), nil
}

// A handler's large answer goes on in its order, whatever the client's pace.
func TestHandlersLargeAnswersReachASlowReaderWhole(t *testing.T) {
	s := newStage(t, func(_ *stage, c *Config) {
		c.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/chunked":
				for rest := plenty(); len(rest) > 0; rest = rest[min(len(rest), 77_777):] {
					_, _ = w.Write(rest[:min(len(rest), 77_777)])
				}
			case "/copied":
				_, _ = io.Copy(w, bufio.NewReader(io.NewSectionReader(onDisk(), 0, int64(len(plenty())))))
			default:
				w.Header().Set("Content-Length", fmt.Sprint(len(plenty())))
				_, _ = w.(io.ReaderFrom).ReadFrom(&kernel.Extent{File: onDisk(), Left: int64(len(plenty()))})
			}
		})
	})
	for _, path := range []string{"/chunked", "/copied", "/extent"} {
		c := callSlow(t, s.addr)
		c.say(ask("GET", path) + ask("GET", "/mem/3"))
		if r := c.hear("GET"); string(r.body) != string(plenty()) {
			t.Errorf("%s: %d bytes came, others than were written", path, len(r.body))
		}
		c.hearTarget("GET", "/mem/3")
	}
}
