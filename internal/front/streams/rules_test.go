package streams

import (
	"encoding/binary"
	"io"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/net/http2"

	"tandem/internal/h1"
)

// TestRequestsThatBreakARule: RFC 9113 sections 8.1 to 8.3 name the code.
func TestRequestsThatBreakARule(t *testing.T) {
	s := newServer(t, says, func(c *Config) { c.Limits = h1.Limits{Head: 4 << 10, Line: 1000, Fields: 20} })
	c := call(t, s)
	defer c.hangUp()
	const reset = "reset"
	stream := uint32(1)
	for _, row := range []struct {
		want   string // a status, or reset
		fields []string
	}{
		{"200", request("GET", "/a?b=c")},
		{"200", request("GET", "/a", "cookie", "a=1", "cookie", "b=2")},
		{"200", request("GET", "/a", "te", "trailers")},
		{"200", request("OPTIONS", "*")},
		{"200", []string{":method", "CONNECT", ":authority", "a.example:443"}},
		{"200", []string{":method", "GET", ":scheme", "https", ":path", "/", "host", "a.example"}},
		{"400", request("GET", "/a", "host", "b.example")},
		{"400", request("GET", "/\xff")},
		{"400", request("GET", "a")},
		{"414", request("GET", "/"+strings.Repeat("a", 1000))},
		{"431", request("GET", "/", "x", strings.Repeat("a", 4<<10))},
		{"431", request("GET", "/", strings.Split(strings.Repeat("a,b,", 21)+"a,b", ",")...)},
		{reset, request("GET", "/a", "te", "gzip")},
		{reset, request("GET", "/a", "connection", "close")},
		{reset, request("GET", "/a", "transfer-encoding", "chunked")},
		{reset, request("GET", "/a", "upgrade", "h2c")},
		{reset, request("GET", "/a", "keep-alive", "1")},
		{reset, request("GET", "/a", "proxy-connection", "close")},
		{reset, request("GET", "/a", "Capital", "x")},
		{reset, request("GET", "/a", "x", "a\r\nb: c")},
		{reset, request("GET", "")},
		{reset, append([]string{"x", "y"}, request("GET", "/a")...)},
		{reset, []string{":method", "GET", ":path", "/"}},
		{reset, []string{":scheme", "https", ":path", "/"}},
		{reset, []string{":method", "CONNECT", ":authority", "a", ":path", "/"}},
		{reset, request("GET", "/", ":protocol", "websocket")},
		{reset, request("GET", "/", ":path", "/b")},
		{reset, request("GET", "/", ":status", "200")},
	} {
		c.ask(stream, true, row.fields...)
		head, _, code := c.answer(stream)
		got := head[":status"]
		if code == http2.ErrCodeProtocol {
			got = reset
		}
		if got != row.want {
			t.Errorf("%.60q: %s (%v), want %s", row.fields, got, code, row.want)
		}
		stream += 2
	}
}

// TestConnectionsThatBreakARule end with GOAWAY and the RFC's code.
func TestConnectionsThatBreakARule(t *testing.T) {
	for name, row := range map[string]struct {
		code http2.ErrCode
		say  func(c *client)
	}{
		"a stream of ours":          {http2.ErrCodeProtocol, func(c *client) { c.get(2, "/") }},
		"a stream that is over":     {http2.ErrCodeProtocol, func(c *client) { c.get(5, "/"); c.answer(5); c.get(3, "/") }},
		"data of no stream":         {http2.ErrCodeProtocol, func(c *client) { _ = c.WriteData(1, true, nil) }},
		"reset of none":             {http2.ErrCodeProtocol, func(c *client) { _ = c.WriteRSTStream(1, 0) }},
		"a window of none":          {http2.ErrCodeProtocol, func(c *client) { _ = c.WriteWindowUpdate(1, 1) }},
		"a window of nothing":       {http2.ErrCodeProtocol, func(c *client) { _ = c.WriteWindowUpdate(0, 0) }},
		"a window beyond the most":  {http2.ErrCodeFlowControl, func(c *client) { _ = c.WriteWindowUpdate(0, mostWindow) }},
		"a first window beyond":     {http2.ErrCodeFlowControl, func(c *client) { _ = c.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 31}) }},
		"a push":                    {http2.ErrCodeProtocol, func(c *client) { _ = c.WriteRawFrame(http2.FramePushPromise, 4, 1, []byte{0, 0, 0, 2}) }},
		"a ping on a stream":        {http2.ErrCodeProtocol, func(c *client) { _ = c.WriteRawFrame(http2.FramePing, 0, 1, make([]byte, 8)) }},
		"a frame that is too large": {http2.ErrCodeFrameSize, func(c *client) { _ = c.WriteRawFrame(http2.FrameData, 0, 1, make([]byte, frameLeast+1)) }},
		"a head that is interrupted": {http2.ErrCodeProtocol, func(c *client) {
			_ = c.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: c.head(request("GET", "/")...)})
			_ = c.WritePing(false, [8]byte{})
		}},
		"a continuation of none": {http2.ErrCodeProtocol, func(c *client) { _ = c.WriteContinuation(1, true, nil) }},
		"a head that is none": {http2.ErrCodeCompression, func(c *client) {
			_ = c.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte{0x80}, EndHeaders: true})
		}},
		"more data than may": {http2.ErrCodeFlowControl, func(c *client) {
			c.ask(1, false, request("POST", "/unread")...)
			for range 5 {
				_ = c.WriteData(1, false, make([]byte, frameLeast))
			}
		}},
	} {
		free := make(chan struct{})
		s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/unread" {
				select {
				case <-free:
				case <-r.Context().Done():
				}
			}
		})
		c := call(t, s)
		row.say(c)
		if f := c.next(http2.FrameGoAway); f.kind != http2.FrameGoAway || f.code != row.code {
			t.Errorf("%s: %+v, want GOAWAY %v", name, f, row.code)
		}
		close(free)
		c.hangUp()
	}
}

// TestWhoSaysAnotherPrefaceIsSentAway: a connection begins with both (section 3.4).
func TestWhoSaysAnotherPrefaceIsSentAway(t *testing.T) {
	settings := binary.BigEndian.AppendUint32([]byte{0, 0, 0, 4, 0}, 0)
	ping := append(binary.BigEndian.AppendUint32([]byte{0, 0, 8, 6, 0}, 0), make([]byte, 8)...)
	for text, want := range map[string]bool{
		http2.ClientPreface + string(settings):        true,
		http2.ClientPreface + string(ping):            false,
		strings.Repeat("x", len(http2.ClientPreface)): false,
	} {
		here, there := pipe()
		c := over(t, newServer(t, says), here, there)
		c.listen()
		if _, err := io.WriteString(here, text); err != nil {
			t.Fatal(err)
		}
		f := c.next(http2.FrameGoAway, http2.FrameSettings)
		if f.kind == http2.FrameSettings {
			f = c.next(http2.FrameGoAway, http2.FrameSettings)
		}
		if good := f.kind == http2.FrameSettings; good != want || !good && f.code != http2.ErrCodeProtocol {
			t.Errorf("%.30q: %+v", text, f)
		}
		c.hangUp()
	}
}

// A stream of which more is heard after its end is reset, and the connection goes on.
func TestStreamsThatBreakARule(t *testing.T) {
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body); says(w, r) })
	c := call(t, s)
	defer c.hangUp()
	post := request("POST", "/", "content-length", "3")
	for i, row := range []struct {
		code http2.ErrCode
		say  func(id uint32)
	}{
		{http2.ErrCodeProtocol, func(id uint32) { c.ask(id, false, post...); _ = c.WriteData(id, true, []byte("four")) }},
		{http2.ErrCodeProtocol, func(id uint32) { c.ask(id, false, post...); _ = c.WriteData(id, true, []byte("2!")) }},
		{http2.ErrCodeProtocol, func(id uint32) {
			c.ask(id, false, post...)
			_ = c.WriteData(id, false, []byte("2!"))
			c.ask(id, true, "x", "y")
		}},
		{http2.ErrCodeProtocol, func(id uint32) { c.ask(id, false, post...); c.ask(id, false, "x", "y") }},
		{http2.ErrCodeProtocol, func(id uint32) { c.ask(id, false, post...); c.ask(id, true, ":path", "/") }},
		{http2.ErrCodeFlowControl, func(id uint32) { c.ask(id, false, post...); _ = c.WriteWindowUpdate(id, mostWindow) }},
		{http2.ErrCodeProtocol, func(id uint32) {
			_ = c.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: c.head(request("GET", "/")...), EndHeaders: true, EndStream: true, Priority: http2.PriorityParam{StreamDep: id}})
		}},
		{http2.ErrCodeNo, func(id uint32) {
			c.ask(id, false, post...)
			_ = c.WriteData(id, false, []byte("yes"))
			c.ask(id, true, "x", "y")
		}},
		{http2.ErrCodeNo, func(id uint32) {
			c.ask(id, false, post...)
			_ = c.WriteDataPadded(id, true, []byte("yes"), make([]byte, 200))
		}},
	} {
		id := uint32(2*i + 1)
		row.say(id)
		if _, body, code := c.answer(id); code != row.code || code == http2.ErrCodeNo && len(body) == 0 {
			t.Errorf("row %d: %v, want %v; %q", i, code, row.code, body)
		}
	}
	c.get(101, "/")
	c.answer(101)
	if _ = c.WriteData(101, true, nil); c.next(http2.FrameRSTStream).code != http2.ErrCodeStreamClosed {
		t.Error("data after the end is not STREAM_CLOSED")
	}
}
