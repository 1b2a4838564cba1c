package streams

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"tandem/internal/front/h2"
)

const (
	firstWindow = 1<<16 - 1 // bytes, of a stream and of a connection, before anybody has said anything (RFC 9113 6.9.2)
	mostWindow  = 1<<31 - 1
	frameLeast  = 1 << 14 // bytes that every side takes in one frame (section 4.2)
	tableSize   = 4096    // of HPACK's table for heads of requests, in bytes; what RFC 9113 begins with

	lastWord  = 250 * time.Millisecond // for a client to take what a connection ends with, as long as it takes some
	lastWords = 20                     // of those in which it takes nothing
	leaving   = time.Second            // for requests that were under way to it when the client was told to go
)

// conn is one connection.
type conn struct {
	server *Server
	cfg    *Config
	over   Conn
	tls    *tls.ConnectionState
	meter  *h2.Meter
	remote string
	ctx    context.Context // of its requests
	stop   context.CancelFunc
	framer *http2.Framer // owned by serve
	work   sync.WaitGroup
	watch  watch

	mu      sync.Mutex
	err     error              // guarded by mu, as all below; why nothing is written any more
	streams map[uint32]*stream // whose handlers have not ended
	last    uint32             // highest stream that the client has opened
	window  int64              // bytes of bodies that the client takes
	initial int64              // what a stream's window begins with
	largest int                // frame that the client takes, in bytes
	recv    window             // of bodies that it sends
	resized bool               // the client has said how large HPACK's table may be, and is to hear that there is none
	ends    bool               // the client is told to go at once; owned by serve
	asked   func()             // answers the request that the last frame was; likewise
	leaves  bool               // it was told to go, at told
	told    int64              // in ns of Unix
	final   bool               // and no request that comes is served any more
	settled bool               // and nothing is written any more: there is nothing to say

	out     []byte // frames that nobody writes yet
	most    int    // bytes of those, at which who makes more waits
	writing bool
	room    sync.Cond // what waited is being written
}

func newConn(ctx context.Context, s *Server, over Conn, state *tls.ConnectionState, meter *h2.Meter) *conn {
	c := &conn{
		server: s, cfg: &s.cfg, over: over, tls: state, meter: meter, remote: over.RemoteAddr().String(), streams: map[uint32]*stream{},
		window: firstWindow, initial: firstWindow, largest: frameLeast, recv: window{left: firstWindow}, resized: true, most: outLeast,
	}
	c.ctx, c.stop = context.WithCancel(ctx)
	c.room.L = &c.mu
	c.watch.c = c
	c.framer = http2.NewFramer(io.Discard, &c.watch)
	c.framer.SetReuseFrames()
	c.framer.SetMaxReadFrameSize(frameLeast)
	c.framer.MaxHeaderListSize = uint32(c.cfg.Limits.Head)
	c.framer.ReadMetaHeaders = hpack.NewDecoder(tableSize, nil)
	return c
}

// serve reads until the connection ends, and waits for its requests.
func (c *conn) serve() {
	c.watch.start()
	err := c.begin()
	for err == nil {
		var f http2.Frame
		if f, err = c.framer.ReadFrame(); err == nil || errors.As(err, new(http2.StreamError)) {
			c.watch.whole()
		}
		if err == nil {
			err = c.take(f)
		}
		if c.asked != nil {
			c.start(c.asked)
			c.asked = nil
		}
		var of http2.StreamError
		if errors.As(err, &of) {
			err = c.refuse(of)
		}
	}
	c.end(err)
	c.watch.over()
	c.work.Wait()
	_ = c.over.Close()
}

// begin is the preface of both sides (RFC 9113 section 3.4).
func (c *conn) begin() error {
	c.mu.Lock()
	b := appendFrame(c.pending(), http2.FrameSettings, 0, 0, 3*6)
	b = appendSetting(b, http2.SettingMaxConcurrentStreams, uint32(c.cfg.Streams))
	b = appendSetting(b, http2.SettingMaxHeaderListSize, uint32(c.cfg.Limits.Head))
	c.out = appendSetting(b, http2.SettingNoRFC7540Priorities, 1)
	if c.ends {
		c.goes()
	}
	c.flush()
	c.mu.Unlock()
	preface := make([]byte, len(http2.ClientPreface))
	if _, err := io.ReadFull(&c.watch, preface); err != nil {
		return err
	}
	if string(preface) != http2.ClientPreface {
		return http2.ConnectionError(http2.ErrCodeProtocol)
	}
	f, err := c.framer.ReadFrame()
	if err != nil {
		return err
	}
	c.watch.whole()
	if f, ok := f.(*http2.SettingsFrame); !ok || f.IsAck() {
		return http2.ConnectionError(http2.ErrCodeProtocol)
	}
	return c.take(f)
}

// end is for when nothing more is read. Who broke the protocol hears so.
func (c *conn) end(err error) {
	code := http2.ErrCodeFrameSize
	var broke http2.ConnectionError
	c.mu.Lock()
	switch {
	case c.settled:
		c.mu.Unlock()
		c.linger()
		c.cut()
		return
	case errors.As(err, &broke):
		code = http2.ErrCode(broke)
	case errors.Is(err, http2.ErrFrameTooLarge):
	default:
		c.mu.Unlock()
		c.cut()
		return
	}
	c.stop()
	for _, st := range c.streams {
		st.close(errGone)
	}
	c.goAway(c.last, code)
	c.flush()
	for c.writing && c.err == nil {
		c.room.Wait()
	}
	c.mu.Unlock()
	c.close()
	c.linger()
	c.cut()
}

// linger reads what the client sends until it has taken what was written last: a socket
// that is closed with bytes unread, or that gets more, is reset, and the rest is lost.
func (c *conn) linger() {
	_, before := c.over.Progress()
	for words := 0; words < lastWords; words++ {
		_ = c.over.SetReadDeadline(time.Now().Add(lastWord))
		_, err := io.Copy(io.Discard, c.over)
		_, left := c.over.Progress()
		if left == 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			return
		}
		if left < before {
			before, words = left, 0
		}
	}
}

// cut ends the connection at once.
func (c *conn) cut() {
	c.stop()
	c.mu.Lock()
	c.fail(errGone)
	c.mu.Unlock()
	_ = c.over.Close()
}

// fail is for who holds mu.
func (c *conn) fail(err error) {
	if c.err != nil {
		return
	}
	c.err = err
	c.stop()
	_ = c.over.Close()
	for _, st := range c.streams {
		st.close(err)
	}
	c.room.Broadcast()
}

// errGone is what is told of a connection, or a stream, that has ended.
var errGone = errors.New("the client has gone")

// leave tells the client to go.
func (c *conn) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.goes()
}

// goes tells the client that what it asks a moment from now it is to ask elsewhere; what
// it has asked is answered, and what is on its way (RFC 9113 section 6.8). It is for who
// holds mu.
func (c *conn) goes() {
	if !c.leaves && c.err == nil {
		c.leaves, c.told = true, time.Now().UnixNano()
		c.goAway(mostWindow, http2.ErrCodeNo)
		c.flushLater()
	}
}

// settle says which requests were the last ones; true: there are none any more, and who
// has called it is to close, without mu. It is for who holds mu.
func (c *conn) settle() (over bool) {
	if !c.final {
		c.final = true
		c.goAway(c.last, http2.ErrCodeNo)
		c.flush()
	}
	if len(c.streams) > 0 || c.err != nil {
		return false
	}
	for c.writing && c.err == nil {
		c.room.Wait()
	}
	if c.err != nil {
		return false
	}
	c.err, c.settled = errGone, true
	return true
}

// close says that nothing more is written, and lets serve linger.
func (c *conn) close() {
	_ = c.over.CloseWrite()
	_ = c.over.SetReadDeadline(time.Now().Add(lastWord))
}

// goAway is for who holds mu.
func (c *conn) goAway(last uint32, code http2.ErrCode) {
	b := appendFrame(c.pending(), http2.FrameGoAway, 0, 0, 8)
	c.out = append32(append32(b, last), uint32(code))
}

// start lets a request begin, in its client's turn.
func (c *conn) start(serve func()) {
	begun := c.over.Turn()
	c.server.calls.run(func() {
		begun()
		serve()
	})
}

// run lets the handler answer a request.
func (c *conn) run(h http.Handler, st *stream, r *http.Request) {
	defer c.work.Done()
	w := newResponse(st, r)
	defer w.over()
	if c.whole(r, func() { h.ServeHTTP(w, r) }) {
		c.whole(r, w.finish)
	}
}

// whole tells whether do returns.
func (c *conn) whole(r *http.Request, do func()) (yes bool) {
	defer func() {
		if why := recover(); why != nil && why != http.ErrAbortHandler {
			c.cfg.Panic(r, why)
		}
	}()
	do()
	return true
}
