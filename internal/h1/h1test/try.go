package h1test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// Target is who is tried.
type Target struct {
	Dial func() (net.Conn, error)
	Path string        // in place of /; "": /
	Host string        // in place of a; "": a
	Wait time.Duration // for an answer that need not come
	Echo bool          // POST gives back its body
	Only bool          // methods that read: others are refused with 405
	Get  bool          // ask by GET what the probes ask by POST
}

const answerWait = 20 * time.Second

// Try sends all probes, each on a connection of its own, with a request behind it.
func (to Target) Try(t *testing.T) {
	t.Helper()
	for _, p := range Musts {
		if err := to.one(p); err != nil {
			t.Errorf("%s: %q: %v", p.Rule, p.Text, err)
		}
	}
}

// as is the text for this target.
func (to Target) as(text string) string {
	if to.Get {
		text = strings.Replace(text, "POST ", "GET ", 1)
	}
	if to.Path != "" {
		text = strings.Replace(text, " / ", " "+to.Path+" ", 1)
	}
	if to.Host != "" {
		text = strings.ReplaceAll(text, "Host: a\r\n", "Host: "+to.Host+"\r\n")
	}
	return text
}

// answer is one, as it came.
type answer struct {
	*http.Response
	body []byte
}

func (to Target) one(p Probe) error {
	conn, err := to.Dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	text := to.as(p.Text)
	tail := to.as(behind)
	if p.Want == Unwaited {
		tail = "" // it would be the body
	}
	_ = conn.SetDeadline(time.Now().Add(answerWait))
	if _, err := io.WriteString(conn, text+tail); err != nil {
		return err
	}
	if p.Want == Unwaited {
		_ = conn.SetReadDeadline(time.Now().Add(to.Wait))
	}
	method, _, _ := strings.Cut(text, " ")
	all, ended, err := read(conn, method, tail != "")
	if err != nil && !(p.Want == Unwaited && errors.Is(err, os.ErrDeadlineExceeded)) {
		return err
	}
	return to.check(p, method, all, ended)
}

// read reads answers up to the one of what is behind, or the connection's end.
func read(conn net.Conn, method string, behind bool) (all []answer, ended bool, err error) {
	in := bufio.NewReader(conn)
	for finals := 0; ; {
		resp, err := http.ReadResponse(in, &http.Request{Method: method})
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || err != nil && strings.Contains(err.Error(), "reset") {
			return all, true, nil
		}
		if err != nil {
			return all, false, err
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			return all, false, err
		}
		all = append(all, answer{resp, body})
		if resp.StatusCode >= 200 {
			finals++
			method = http.MethodGet
		}
		if finals == 2 || !behind && finals == 1 {
			return all, false, nil
		}
	}
}

func (to Target) check(p Probe, method string, all []answer, ended bool) error {
	said := make([]int, len(all))
	for i, a := range all {
		said[i] = a.StatusCode
	}
	wrong := func(what string) error { return fmt.Errorf("answers %v, ended: %v: %s", said, ended, what) }
	want := p.Want
	if want == Unwaited {
		if len(all) > 0 && (len(all) > 1 || said[0] != 400 && !(to.Only && said[0] == 405)) {
			return wrong("the body is not there")
		}
		return nil
	}
	if want == Refused || want == Refused1 {
		good := len(all) == 0 || len(all) == 1 && (said[0] == 400 || want == Refused1 && said[0] == 501)
		if !good || !ended {
			return wrong("it is to be refused, and the connection to end")
		}
		return nil
	}
	if len(all) == 0 {
		return wrong("there is no answer")
	}
	return to.served(p, want, all, ended, wrong)
}

// served judges what is not to be refused.
func (to Target) served(p Probe, want Want, all []answer, ended bool, wrong func(string) error) error {
	first, good := all[0], all[0].StatusCode >= 200 && all[0].StatusCode < 300 || to.Only && all[0].StatusCode == http.StatusMethodNotAllowed
	switch {
	case first.StatusCode == http.StatusSwitchingProtocols:
		return wrong("another protocol")
	case want == NoInterim && first.StatusCode < 200:
		return wrong("an interim answer")
	case want == NoLength && first.StatusCode == http.StatusNoContent && first.Header.Get("Content-Length") != "":
		return wrong("a length of nothing")
	case want == Allowed && first.StatusCode == http.StatusMethodNotAllowed && first.Header.Get("Allow") == "":
		return wrong("no Allow")
	case want == NotOther, want == NoInterim, want == NoLength, want == Allowed:
		return nil
	case !good:
		return wrong("it is to be served")
	case want == NoBody && len(first.body) > 0:
		return wrong("a body")
	case want == Dated && first.Header.Get("Date") == "":
		return wrong("no Date")
	case want == Served1 && !(ended && len(all) == 1):
		return wrong("the connection is to end")
	case want == Served && to.Echo && p.Text[:4] == "POST" && string(first.body) != p.Body:
		return wrong(fmt.Sprintf("a body of %q", first.body))
	case want == Served && len(all) != 2 && !first.Close:
		return wrong("what is behind it is to be answered")
	}
	return nil
}
