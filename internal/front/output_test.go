package front

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tandem/internal/h1"
)

func TestBodiesOfEverySizeAreWholeAndToldSo(t *testing.T) {
	s := newStage(t)
	c := call(t, s.addr)
	for _, size := range []int{0, 1, smallBody - 1, smallBody, smallBody + 1, shareAlone - 1, shareAlone, shareAlone + 1, 2*shareAlone + 17} {
		for _, from := range []string{"mem", "file"} {
			target := fmt.Sprintf("/%s/%d", from, size)
			c.say(ask("GET", target))
			c.hearTarget("GET", target)
			if e := s.hears(); e.target != target || e.sent != int64(size) || !e.whole {
				t.Errorf("%s: told %+v", target, e)
			}
		}
	}
	s.hearsNothing()
	if n := s.ways.Quick.Load(); n != 18 {
		t.Errorf("%d requests were answered on loops; want 18", n)
	}
}

func TestHeadHasTheLengthAndNoBody(t *testing.T) {
	s := newStage(t)
	c := call(t, s.addr)
	c.say(ask("HEAD", "/mem/77") + ask("HEAD", "/file/100000") + ask("GET", "/mem/1"))
	c.hearTarget("HEAD", "/mem/77")
	c.hearTarget("HEAD", "/file/100000")
	c.hearTarget("GET", "/mem/1")
	for _, sent := range []int64{0, 0, 1} {
		if e := s.hears(); e.sent != sent || !e.whole {
			t.Errorf("told %+v; want %d bytes, whole", e, sent)
		}
	}
}

func TestReaderThatStopsAndGoesOnGetsEveryByte(t *testing.T) {
	for _, from := range []string{"mem", "file"} {
		s := newStage(t, oneLoop)
		c := callSlow(t, s.addr)
		target := fmt.Sprintf("/%s/%d", from, len(plenty())-1)
		c.say(ask("GET", target) + ask("GET", "/mem/2") + ask("GET", "/x"))
		resp, err := http.ReadResponse(c.r, nil)
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		for _, some := range []int64{1, 100, 200_000, 3_000_000} {
			if _, err := io.CopyN(&got, resp.Body, some); err != nil {
				t.Fatal(err)
			}
			s.pass()
			s.pass()
			s.hearsNothing()
		}
		if _, err := io.Copy(&got, resp.Body); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Bytes(), plenty()[:len(plenty())-1]) {
			t.Errorf("%s: the bytes are others", target)
		}
		c.hearTarget("GET", "/mem/2")
		c.hearTarget("GET", "/x")
	}
}

func TestReaderThatVanishesIsToldOnceAndNotAsWhole(t *testing.T) {
	for _, from := range []string{"mem", "file"} {
		s := newStage(t)
		target := fmt.Sprintf("/%s/%d", from, len(plenty()))
		for _, after := range []int64{0, 1, 5_000_000} {
			c := callSlow(t, s.addr)
			begun := s.ways.Quick.Load()
			c.say(ask("GET", target) + ask("GET", "/mem/5")) // what waits behind it is never answered
			eventually(t, "it has begun", func() bool { return s.ways.Quick.Load() > begun })
			if _, err := io.CopyN(io.Discard, c.r, after); err != nil {
				t.Fatal(err)
			}
			c.vanish()
			if e := s.hears(); e.target != target || e.whole || e.sent < after-500 || e.sent >= int64(len(plenty())) {
				t.Errorf("%s, %d bytes taken: told %+v", target, after, e)
			}
		}
		eventually(t, "all connections are closed", func() bool { return s.Connections() == 0 })
		s.hearsNothing()
	}
}

// What is told as sent are bytes of the body: the head's are none, wherever the
// last write stopped.
func TestOfAHeadThatWasNotSentWholeNothingIsCountedAsBody(t *testing.T) {
	type row struct {
		head, rest, file int // bytes that were not sent
		size, sent       int64
	}
	for _, r := range []row{
		{head: 100 + 50, size: 50, sent: 0}, // a small body lies behind its head
		{head: 51, size: 50, sent: 0},
		{head: 50, size: 50, sent: 0},
		{head: 49, size: 50, sent: 1},
		{head: 1, size: 50, sent: 49},
		{head: 100, rest: 50, size: 50, sent: 0},
		{head: 1, rest: 50, size: 50, sent: 0},
		{rest: 50, size: 50, sent: 0},
		{rest: 1, size: 50, sent: 49},
		{head: 100, file: 50, size: 50, sent: 0},
		{file: 50, size: 50, sent: 0},
		{file: 20, size: 50, sent: 30},
		{head: 30, size: 0, sent: 0},
	} {
		s := &stage{t: t, ended: make(chan ending, 1)}
		o := output{head: make([]byte, r.head), rest: make([]byte, r.rest), body: Body{Length: int64(r.file), Ended: s.listen("")}, size: r.size}
		o.over(false)
		if e := s.hears(); e.sent != r.sent || e.whole {
			t.Errorf("%+v: told %d bytes, whole: %v", r, e.sent, e.whole)
		}
	}
}

func TestWriteThatFailsEndsTheAnswer(t *testing.T) {
	for name, o := range map[string]output{
		"head": {head: []byte("HTTP"), rest: plenty()[:9], size: 9},
		"rest": {rest: plenty()[:9], size: 9},
		"file": {body: Body{File: onDisk(), Length: 9}, size: 9},
	} {
		s := &stage{t: t, ended: make(chan ending, 1)}
		l := &Loop{queue: newQueue(), server: New(Config{Leave: s.leave}), sources: make([]watched, 1000)}
		pair := sockets(t)
		_ = unix.Close(pair[1])
		client, _ := s.enter("")
		o.body.Ended = s.listen(name)
		c := &Conn{loop: l, fd: pair[0], state: writing, client: client, entered: true, out: o}
		if !c.flush() || c.state != closed {
			t.Errorf("%s: the state is %d", name, c.state)
		}
		if e := s.hears(); e.whole || e.sent != 0 {
			t.Errorf("%s: told %+v", name, e)
		}
		if s.left.Load() != 1 {
			t.Errorf("%s: the client did not leave", name)
		}
	}
}

// shortened serves a file that is 10 bytes shorter than the loop says.
func shortened(t *testing.T, size int) *stage {
	file, err := os.CreateTemp(t.TempDir(), "short")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.Write(plenty()[:size-10]); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	return newStage(t, func(s *stage, c *Config) {
		c.Quick = func(l *Loop) Quick {
			return &scripted{loop: l, serve: func(c *Conn, h *h1.Request) bool {
				if _, _, ok := cutOf(h.Target); !ok {
					return false
				}
				head := fmt.Appendf(AppendStatus(l.Scratch(), 200), "X-Target: %s\r\nContent-Length: %d\r\n", h.Target, size)
				return s.begun(c.Respond(head, Body{File: file, Length: int64(size), Ended: s.listen(h.Target)}))
			}}
		}
	})
}

func TestFileThatIsShorterThanSaidEndsInAReset(t *testing.T) {
	for _, size := range []int{smallBody + 11, 1_000_000, shareAlone + 10, shareAlone + 5} {
		s := shortened(t, size)
		c := call(t, s.addr)
		c.say(ask("GET", "/file/1") + ask("GET", "/x"))
		resp, err := http.ReadResponse(c.r, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(resp.Body); !errors.Is(err, syscall.ECONNRESET) || len(got) > size-10 || !bytes.Equal(got, plenty()[:len(got)]) {
			t.Errorf("of %d bytes, 10 of them missing: %d came, then %v; want a reset", size, len(got), err)
		}
		if e := s.hears(); e.whole || e.sent != int64(size-10) {
			t.Errorf("of %d bytes, 10 of them missing: told %+v", size, e)
		}
	}
}

func TestSmallFileThatIsShorterThanSaidIsLeftToTheHandler(t *testing.T) {
	s := shortened(t, 1000)
	c := call(t, s.addr)
	c.say(ask("GET", "/file/1"))
	if r := c.hear("GET"); string(r.body) != "away /file/1" {
		t.Errorf("%s %q; want the Handler's answer", r.Status, r.body)
	}
	select {
	case e := <-s.ended:
		t.Errorf("nothing was begun, but told: %+v", e)
	case <-time.After(10 * time.Millisecond):
	}
}
