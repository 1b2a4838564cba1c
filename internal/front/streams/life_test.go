package streams

import (
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// TestWhoIsToldToGoLosesNothing: what was on its way when it was told is answered, what
// comes a second later is for another connection, and the last answer comes whole.
func TestWhoIsToldToGoLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		on := make(chan struct{})
		s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/wait" {
				<-on
			}
			_, _ = w.Write(make([]byte, 40_000))
		})
		c := call(t, s)
		c.get(1, "/wait")
		synctest.Wait()
		ended := make(chan error, 1)
		go func() { ended <- s.Shutdown(context.Background()) }()
		if f := c.next(http2.FrameGoAway); f.code != http2.ErrCodeNo || f.more != mostWindow {
			t.Errorf("%+v", f)
		}
		c.get(3, "/")
		if _, body, code := c.answer(3); len(body) != 40_000 || code != http2.ErrCodeNo {
			t.Errorf("what was on its way: %d bytes, %v", len(body), code)
		}
		if f := c.next(http2.FrameGoAway); f.code != http2.ErrCodeNo || f.more != 3 {
			t.Errorf("%+v", f)
		}
		c.get(5, "/")
		if _, _, code := c.answer(5); code != http2.ErrCodeRefusedStream {
			t.Errorf("what came too late: %v", code)
		}
		_ = c.WriteWindowUpdate(0, 1<<20)
		close(on)
		if _, body, code := c.answer(1); len(body) != 40_000 || code != http2.ErrCodeNo {
			t.Errorf("the last answer: %d bytes, %v", len(body), code)
		}
		if f := c.next(http2.FrameGoAway); f.kind != 0xff {
			t.Errorf("the connection goes on: %+v", f)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
		c.hangUp()
	})
}

// Nobody waits longer than it was told for requests that don't end, and Close ends them.
func TestShutdownWaitsAsLongAsItMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, func(c *Config) { c.PingAfter = time.Hour })
		c := call(t, s)
		c.get(1, "/")
		synctest.Wait()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		began := time.Now()
		if err := s.Shutdown(ctx); err == nil || time.Since(began) != time.Minute {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		s.Close()
		<-c.served
		here, there := pipe()
		late := over(t, s, here, there)
		<-late.served
		c.hangUp()
		late.hangUp()
	})
}

// A handler that closes the connection lets the client go.
func TestCloseOfAnAnswerLetsTheClientGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := call(t, newServer(t, func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Connection", "close"); says(w, r) }))
		c.get(1, "/")
		if f := c.next(http2.FrameGoAway); f.code != http2.ErrCodeNo {
			t.Errorf("%+v", f)
		}
		if head, _, _ := c.answer(1); head["connection"] != "" {
			t.Error(head)
		}
		<-c.served
		c.hangUp()
	})
}

// TestConnectionsHaveTheirTime: idle ones, those that don't say their preface, a frame that
// does not come, clients that have gone without a word; and who asks, or answers a ping,
// stays.
func TestConnectionsHaveTheirTime(t *testing.T) {
	for name, row := range map[string]struct {
		say         func(c *client)
		least, most time.Duration
	}{
		"silent":         {func(*client) {}, 5 * time.Second, 8 * time.Second},
		"half a preface": {func(c *client) { _, _ = io.WriteString(c.conn, "PRI * HTTP") }, 5 * time.Second, 8 * time.Second},
		"idle":           {func(c *client) { c.preface() }, 75 * time.Second, 80 * time.Second},
		"half a frame":   {func(c *client) { c.preface(); _, _ = c.conn.Write([]byte{0, 0}) }, 5 * time.Second, 8 * time.Second},
		"half a head": {func(c *client) {
			c.preface()
			_ = c.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: c.head(request("GET", "/")...)})
		}, 5 * time.Second, 8 * time.Second},
		"gone":             {func(c *client) { c.preface(); c.get(1, "/") }, 30 * time.Second, 35 * time.Second},
		"idle, after some": {func(c *client) { c.preface(); c.get(1, "/now"); time.Sleep(60 * time.Second); c.get(3, "/now") }, 135 * time.Second, 140 * time.Second},
		"there": {func(c *client) {
			c.preface()
			c.get(1, "/")
			for f := range c.frames {
				if f.kind == http2.FramePing && !f.flags.Has(http2.FlagPingAck) {
					_ = c.WritePing(true, [8]byte(f.data))
				}
				if f.kind == http2.FrameHeaders {
					return
				}
			}
		}, 10*time.Minute + 75*time.Second, 10*time.Minute + 80*time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newServer(t, func(_ http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/" {
					select {
					case <-time.After(10 * time.Minute):
					case <-r.Context().Done():
					}
				}
			})
			here, there := netPipe()
			began := time.Now()
			c := over(t, s, here, there)
			row.say(c)
			<-c.served
			if took := time.Since(began); took < row.least || took > row.most {
				t.Errorf("%s: it ended after %v; want %v to %v", name, took, row.least, row.most)
			}
			c.hangUp()
		})
	}
}

// What a writer is left with by others goes out by itself.
func TestWhoWritesDoesNotWriteForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, says)
		here, there := netPipe()
		c := newConn(context.Background(), s, &plain{Conn: there}, nil, nil)
		got := make(chan int)
		go func() { n, _ := io.Copy(io.Discard, here); got <- int(n) }()
		c.mu.Lock()
		c.writing = true
		c.out = append(c.pending(), "some"...)
		more := 0
		c.over = &plainTold{plain{Conn: there}, func() { // others make more at each write
			c.mu.Lock()
			defer c.mu.Unlock()
			if more++; more < 10 {
				c.out = append(c.pending(), "more"...)
			}
		}}
		c.drain(2)
		if more != 2 {
			t.Errorf("it wrote %d times", more)
		}
		c.mu.Unlock()
		synctest.Wait()
		c.work.Wait()
		if more != 10 || c.writing {
			t.Errorf("%d times in all; somebody writes: %v", more, c.writing)
		}
		_ = there.Close()
		if n := <-got; n != 40 {
			t.Errorf("%d bytes", n)
		}
		c.stop()
	})
}

type plainTold struct {
	plain
	told func()
}

func (p *plainTold) Send(limit time.Duration) error { p.told(); return p.plain.Send(limit) }

// What is ready goes out together: of a long answer 64 KB at a time, of a short one its head
// and its body.
func TestWhatIsReadyGoesOutInOneWrite(t *testing.T) {
	for size, most := range map[int]int64{2000: 1, 640_000: 13} {
		synctest.Test(t, func(t *testing.T) {
			s := newServer(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", strconv.Itoa(size))
				_, _ = w.Write(make([]byte, size))
			})
			here, there := netPipe()
			var writes atomic.Int64
			c := &client{Framer: http2.NewFramer(here, here), conn: here, t: t, served: make(chan struct{}), frames: make(chan frame, 1<<12)}
			c.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
			c.fields = newFields(c)
			go func() {
				defer close(c.served)
				s.Serve(context.Background(), &plainTold{plain{Conn: there}, func() { writes.Add(1) }}, nil, nil)
			}()
			c.preface(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 20})
			_ = c.WriteWindowUpdate(0, 1<<20)
			_ = c.WritePing(false, [8]byte{})
			c.next(http2.FramePing)
			before := writes.Load()
			c.get(1, "/")
			if _, body, code := c.answer(1); len(body) != size || code != http2.ErrCodeNo {
				t.Errorf("%d bytes, %v", len(body), code)
			}
			if n := writes.Load() - before; n > most {
				t.Errorf("%d bytes in %d writes; %d at most", size, n, most)
			}
			c.hangUp()
		})
	}
}

// Settings come first, also where the client is told to go at once (section 3.4).
func TestWhoComesAtTheEndHearsSettingsFirst(t *testing.T) {
	s := newServer(t, says)
	if err := s.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	here, there := pipe()
	c := over(t, s, here, there)
	c.listen()
	for _, kind := range []http2.FrameType{http2.FrameSettings, http2.FrameGoAway} {
		if f := <-c.frames; f.kind != kind {
			t.Errorf("%v, want %v", f.kind, kind)
		}
	}
	c.hangUp()
}

// TestTheLastAnswerIsTakenInPeace: a client that takes it slowly, and says so, has it whole,
// though nothing more is written to it.
func TestTheLastAnswerIsTakenInPeace(t *testing.T) {
	const size = 256 << 10
	on := make(chan struct{})
	s := newServer(t, func(w http.ResponseWriter, _ *http.Request) {
		<-on
		_, _ = w.Write(make([]byte, size))
	})
	here, there := pipe()
	_ = there.(*net.TCPConn).SetWriteBuffer(4 * size)
	_ = here.(*net.TCPConn).SetReadBuffer(16 << 10)
	c := over(t, s, here, there)
	_, _ = io.WriteString(here, http2.ClientPreface)
	_ = c.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: size})
	_ = c.WriteWindowUpdate(0, size)
	c.get(1, "/")
	ended := make(chan error, 1)
	go func() { ended <- s.Shutdown(context.Background()) }()
	got, last := 0, false
	for got < size {
		f, err := c.ReadFrame()
		if err != nil {
			t.Fatalf("%v after %d bytes", err, got)
		}
		switch f := f.(type) {
		case *http2.GoAwayFrame:
			if last = f.LastStreamID == 1; last {
				close(on)
			}
		case *http2.DataFrame:
			if got += len(f.Data()); got%(128<<10) < len(f.Data()) { // now and then it rests, for longer than a last word has
				time.Sleep(2 * lastWord)
			}
			_ = c.WriteWindowUpdate(0, uint32(len(f.Data())))
		}
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	c.hangUp()
}

// busy is a Conn whose client takes what is there for it.
type busy struct {
	plain
	acked   atomic.Uint64
	waiting atomic.Int64
}

func (b *busy) Progress() (uint64, int) { return b.acked.Load(), int(b.waiting.Load()) }

// TestWhoIsBusyTakingIsNotAsked whether it is there: the question lies behind what it takes.
// When it takes no more it has gone, and that its kernel takes a question says nothing.
func TestWhoIsBusyTakingIsNotAsked(t *testing.T) {
	for name, row := range map[string]struct {
		waiting     int64
		least, most time.Duration
	}{
		"takes slowly for 5 min":    {50_000, 5*time.Minute + 30*time.Second, 5*time.Minute + 40*time.Second},
		"takes what it is asked by": {0, 30 * time.Second, 35 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newServer(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
			here, there := netPipe()
			began := time.Now()
			conn := &busy{plain: plain{Conn: there}}
			conn.waiting.Store(row.waiting)
			c := through(t, s, here, conn)
			c.preface()
			c.get(1, "/")
			var taking sync.WaitGroup
			taking.Go(func() {
				for range 5 * 60 {
					time.Sleep(time.Second)
					conn.acked.Add(1500)
				}
			})
			<-c.served
			if took := time.Since(began); took < row.least || took > row.most {
				t.Errorf("%s: it ended after %v; want %v to %v", name, took, row.least, row.most)
			}
			c.hangUp()
			taking.Wait()
		})
	}
}

// inTurn is a Conn whose requests begin when they may.
type inTurn struct {
	plain
	may chan struct{}
}

func (i *inTurn) Turn() (begun func()) { <-i.may; return func() {} }

// TestRequestsBeginInTheirClientsTurn, and the next frame is read when it has begun.
func TestRequestsBeginInTheirClientsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var begun atomic.Int32
		s := newServer(t, func(http.ResponseWriter, *http.Request) { begun.Add(1) })
		here, there := netPipe()
		conn := &inTurn{plain{Conn: there}, make(chan struct{})}
		c := through(t, s, here, conn)
		c.preface()
		go func() {
			c.get(1, "/")
			c.get(3, "/")
		}()
		for want := range int32(2) {
			synctest.Wait()
			if n := begun.Load(); n != want {
				t.Errorf("%d have begun; %d may", n, want)
			}
			conn.may <- struct{}{}
		}
		synctest.Wait()
		if n := begun.Load(); n != 2 {
			t.Errorf("%d have begun; 2 may", n)
		}
		c.hangUp()
	})
}
