package streams

import (
	"context"
	"net/http"
	"strings"

	"golang.org/x/net/http2"

	"tandem/internal/front/h2"
)

// take does what a frame says. An error is the connection's, or an http2.StreamError.
func (c *conn) take(f http2.Frame) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch f := f.(type) {
	case *http2.MetaHeadersFrame:
		return c.headers(f)
	case *http2.DataFrame:
		return c.data(f)
	case *http2.SettingsFrame:
		return c.settings(f)
	case *http2.WindowUpdateFrame:
		return c.windows(f)
	case *http2.RSTStreamFrame:
		if f.StreamID > c.last {
			return http2.ConnectionError(http2.ErrCodeProtocol)
		}
		if st := c.streams[f.StreamID]; st != nil {
			st.close(errGone)
		}
	case *http2.PingFrame:
		if !f.IsAck() {
			c.await()
			c.out = append(appendFrame(c.pending(), http2.FramePing, http2.FlagPingAck, 0, 8), f.Data[:]...)
			c.flush()
		}
	case *http2.PriorityFrame:
		if f.StreamDep == f.StreamID { // RFC 7540 section 5.3.1
			return http2.StreamError{StreamID: f.StreamID, Code: http2.ErrCodeProtocol}
		}
	case *http2.PushPromiseFrame:
		return http2.ConnectionError(http2.ErrCodeProtocol)
	}
	return nil // GOAWAY: what it has asked for is answered all the same; others say nothing here
}

// refuse resets a stream in which the client broke a rule; its own handler hears of it.
func (c *conn) refuse(why http2.StreamError) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if st := c.streams[why.StreamID]; st != nil && st.err == nil {
		st.reset(why.Code, errGone)
		return nil
	}
	if why.StreamID > c.last { // it is none any more
		if why.StreamID%2 == 0 {
			return http2.ConnectionError(http2.ErrCodeProtocol)
		}
		c.last = why.StreamID
	}
	c.resetFrame(why.StreamID, why.Code)
	return nil
}

func (c *conn) headers(f *http2.MetaHeadersFrame) error {
	id := f.StreamID
	if id%2 == 0 {
		return http2.ConnectionError(http2.ErrCodeProtocol)
	}
	if st := c.streams[id]; st != nil {
		return st.trailers(f)
	}
	if id <= c.last {
		return http2.ConnectionError(http2.ErrCodeProtocol)
	}
	c.last = id
	if f.HasPriority() && f.Priority.StreamDep == id {
		return http2.StreamError{StreamID: id, Code: http2.ErrCodeProtocol}
	}
	if c.final || c.err != nil || c.full() { // the client may ask it again
		return http2.StreamError{StreamID: id, Code: http2.ErrCodeRefusedStream}
	}
	r, length, err := c.request(f)
	if err != nil {
		return err
	}
	h := c.cfg.Handler
	if status, why := c.misfit(r, f.Truncated); status != 0 {
		h = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { h2.Refuse(w, status, why) })
	}
	st := &stream{c: c, id: id, window: c.initial, recv: window{left: firstWindow}, length: length, ended: f.StreamEnded()}
	st.changed.L = &c.mu
	ctx, stop := context.WithCancel(c.ctx)
	st.stop = stop
	r = r.WithContext(ctx)
	if !st.ended {
		r.Body = &body{st: st, asks: strings.EqualFold(r.Header.Get("Expect"), "100-continue")}
	}
	c.streams[id] = st
	c.watch.works()
	c.work.Add(1)
	c.asked = func() { c.run(h, st, r) }
	return nil
}

// full tells whether there is no place for one more request: the client counts those whose
// answers have not come to their end (RFC 9113 section 5.1.2), and as many handlers beside
// may be on theirs, of requests that were answered or given up.
func (c *conn) full() bool {
	if len(c.streams) < c.cfg.Streams {
		return false
	}
	open := 0
	for _, st := range c.streams {
		if st.err == nil && !(st.sent && st.ended) {
			open++
		}
	}
	return open >= c.cfg.Streams || len(c.streams) >= 2*c.cfg.Streams
}

// trailers are headers on a stream that there is: they end it, and say nothing that
// anybody here wants to know.
func (st *stream) trailers(f *http2.MetaHeadersFrame) error {
	switch {
	case st.ended:
		return http2.StreamError{StreamID: st.id, Code: http2.ErrCodeStreamClosed}
	case !f.StreamEnded(), len(f.PseudoFields()) > 0, st.length > 0:
		return http2.StreamError{StreamID: st.id, Code: http2.ErrCodeProtocol}
	}
	st.ended = true
	st.changed.Broadcast()
	return nil
}

func (c *conn) data(f *http2.DataFrame) error {
	n, id := int(f.Length), f.StreamID // with its padding
	if id > c.last {
		return http2.ConnectionError(http2.ErrCodeProtocol)
	}
	if !c.recv.took(n) {
		return http2.ConnectionError(http2.ErrCodeFlowControl)
	}
	st := c.streams[id]
	if st == nil || st.ended || st.err != nil {
		c.credit(n)
		if st != nil && st.err != nil { // it was sent before the client heard of the end
			return nil
		}
		return http2.StreamError{StreamID: id, Code: http2.ErrCodeStreamClosed}
	}
	b := f.Data()
	if !st.recv.took(n) {
		c.credit(n)
		return http2.StreamError{StreamID: id, Code: http2.ErrCodeFlowControl}
	}
	if st.length >= 0 {
		if st.length -= int64(len(b)); st.length < 0 || f.StreamEnded() && st.length > 0 { // RFC 9113 section 8.1.1
			c.credit(n)
			return http2.StreamError{StreamID: id, Code: http2.ErrCodeProtocol}
		}
	}
	if st.ended = f.StreamEnded(); st.discards {
		c.credit(n)
		return nil
	}
	st.body = append(st.body, b...)
	c.credit(n - len(b))
	c.tellWindow(id, st.recv.gives(n-len(b)))
	st.changed.Broadcast()
	return nil
}

// settings are the client's.
func (c *conn) settings(f *http2.SettingsFrame) error {
	if f.IsAck() {
		return nil
	}
	err := f.ForeachSetting(func(s http2.Setting) error {
		if err := s.Valid(); err != nil {
			return err
		}
		switch s.ID {
		case http2.SettingInitialWindowSize: // of streams that there are as well (RFC 9113 section 6.9.2)
			more := int64(s.Val) - c.initial
			c.initial = int64(s.Val)
			for _, st := range c.streams {
				if st.window += more; st.window > mostWindow {
					return http2.ConnectionError(http2.ErrCodeFlowControl)
				}
				st.changed.Broadcast()
			}
		case http2.SettingMaxFrameSize:
			c.largest = int(s.Val)
		case http2.SettingHeaderTableSize:
			c.resized = true
		}
		return nil
	})
	if err != nil {
		return err
	}
	c.await()
	c.out = appendFrame(c.pending(), http2.FrameSettings, http2.FlagSettingsAck, 0, 0)
	c.flush()
	return nil
}

// windows are opened by the client.
func (c *conn) windows(f *http2.WindowUpdateFrame) error {
	n := int64(f.Increment)
	if f.StreamID == 0 {
		if c.window += n; c.window > mostWindow {
			return http2.ConnectionError(http2.ErrCodeFlowControl)
		}
		for _, st := range c.streams {
			st.changed.Broadcast()
		}
		return nil
	}
	if f.StreamID > c.last {
		return http2.ConnectionError(http2.ErrCodeProtocol)
	}
	st := c.streams[f.StreamID]
	if st == nil { // it has ended meanwhile
		return nil
	}
	if st.window += n; st.window > mostWindow {
		return http2.StreamError{StreamID: f.StreamID, Code: http2.ErrCodeFlowControl}
	}
	st.changed.Broadcast()
	return nil
}
