package streams

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"golang.org/x/sys/unix"

	"tandem/internal/front/h2"
)

// plain is a Conn without TLS.
type plain struct {
	net.Conn
	sealed []byte
}

func (p *plain) Seal(b []byte) error { p.sealed = append(p.sealed, b...); return nil }

func (p *plain) Send(time.Duration) error {
	_, err := p.Conn.Write(p.sealed)
	p.sealed = nil
	return err
}

func (p *plain) Turn() (begun func()) { return func() {} }

func (p *plain) Progress() (acked uint64, waiting int) {
	if tcp, ok := p.Conn.(*net.TCPConn); ok {
		raw, err := tcp.SyscallConn()
		if err == nil {
			_ = raw.Control(func(fd uintptr) { waiting, _ = unix.IoctlGetInt(int(fd), unix.TIOCOUTQ) })
		}
	}
	return 0, waiting
}

func (p *plain) CloseWrite() error {
	if half, ok := p.Conn.(*net.TCPConn); ok {
		return half.CloseWrite()
	}
	return p.Close()
}

// client speaks frames to a server.
type client struct {
	*http2.Framer
	conn   net.Conn
	t      testing.TB
	meter  *h2.Meter
	served chan struct{} // closed when Serve has returned
	frames chan frame    // that the server has sent; closed at the connection's end
	block  bytes.Buffer
	fields *hpack.Encoder
}

// frame is a copy of one.
type frame struct {
	kind   http2.FrameType
	flags  http2.Flags
	stream uint32
	code   http2.ErrCode     // of RST_STREAM and GOAWAY
	more   uint32            // of WINDOW_UPDATE; GOAWAY's last stream
	head   map[string]string // of HEADERS
	data   []byte            // of DATA and PING; of HEADERS where they are raw
}

func (f frame) ends() bool { return f.flags.Has(http2.FlagDataEndStream) } // of HEADERS as well

// call makes a client that has said its preface, and settings.
func call(t testing.TB, s *Server, settings ...http2.Setting) *client {
	t.Helper()
	here, there := net.Pipe()
	c := over(t, s, here, there)
	c.preface(settings...)
	return c
}

func over(t testing.TB, s *Server, here, there net.Conn) *client {
	return through(t, s, here, &plain{Conn: there})
}

// through is over for a Conn of any kind.
func through(t testing.TB, s *Server, here net.Conn, there Conn) *client {
	c := &client{Framer: http2.NewFramer(here, here), conn: here, t: t, meter: new(h2.Meter), served: make(chan struct{}), frames: make(chan frame, 1<<12)}
	c.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	c.AllowIllegalWrites = true
	c.fields = hpack.NewEncoder(&c.block)
	go func() {
		defer close(c.served)
		s.Serve(context.Background(), there, nil, c.meter)
	}()
	return c
}

// raw has heads' blocks given as they are.
func (c *client) raw() { c.ReadMetaHeaders = nil }

func (c *client) preface(settings ...http2.Setting) {
	c.t.Helper()
	c.listen()
	_, err := io.WriteString(c.conn, http2.ClientPreface)
	if err := errors.Join(err, c.WriteSettings(settings...)); err != nil {
		c.t.Fatal(err)
	}
	if f := c.next(http2.FrameSettings); f.flags != 0 {
		c.t.Fatalf("%+v; want settings", f)
	}
	if f := c.next(http2.FrameSettings); !f.flags.Has(http2.FlagSettingsAck) {
		c.t.Fatalf("%+v; want the acknowledgement of mine", f)
	}
}

// listen reads what the server says.
func (c *client) listen() { go c.read() }

func (c *client) read() {
	defer close(c.frames)
	for {
		f, err := c.ReadFrame()
		if err != nil {
			return
		}
		h := f.Header()
		copied := frame{kind: h.Type, flags: h.Flags, stream: h.StreamID}
		switch f := f.(type) {
		case *http2.MetaHeadersFrame:
			copied.head = map[string]string{}
			for _, field := range f.Fields {
				copied.head[field.Name] = field.Value
			}
		case *http2.HeadersFrame:
			copied.data = bytes.Clone(f.HeaderBlockFragment())
		case *http2.DataFrame:
			copied.data = append([]byte{}, f.Data()...)
		case *http2.PingFrame:
			copied.data = append([]byte{}, f.Data[:]...)
		case *http2.RSTStreamFrame:
			copied.code = f.ErrCode
		case *http2.GoAwayFrame:
			copied.code, copied.more = f.ErrCode, f.LastStreamID
		case *http2.WindowUpdateFrame:
			copied.more = f.Increment
		}
		c.frames <- copied
	}
}

// next is the next frame of a kind; others are passed over. One of no kind: there is none
// any more.
func (c *client) next(kinds ...http2.FrameType) frame {
	c.t.Helper()
	limit := time.After(20 * time.Second)
	for {
		select {
		case f, more := <-c.frames:
			if !more {
				return frame{kind: 0xff}
			}
			for _, kind := range kinds {
				if f.kind == kind {
					return f
				}
			}
		case <-limit:
			c.t.Fatalf("no frame %v", kinds)
		}
	}
}

// head is a block of fields: names and values in turn.
func (c *client) head(fields ...string) []byte {
	c.block.Reset()
	for i := 0; i < len(fields); i += 2 {
		_ = c.fields.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]}) // a buffer takes all
	}
	return bytes.Clone(c.block.Bytes())
}

func request(method, path string, more ...string) []string {
	return append([]string{":method", method, ":scheme", "https", ":authority", "a.example", ":path", path}, more...)
}

// ask sends a head.
func (c *client) ask(stream uint32, end bool, fields ...string) {
	c.t.Helper()
	if err := c.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: c.head(fields...), EndStream: end, EndHeaders: true}); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) get(stream uint32, path string) {
	c.t.Helper()
	c.ask(stream, true, request("GET", path)...)
}

// answer is the whole of a stream's.
func (c *client) answer(stream uint32) (head map[string]string, body []byte, code http2.ErrCode) {
	c.t.Helper()
	for {
		f := c.next(http2.FrameHeaders, http2.FrameData, http2.FrameRSTStream, http2.FrameGoAway)
		switch {
		case f.kind == 0xff:
			c.t.Fatalf("stream %d: the connection has ended", stream)
		case f.kind == http2.FrameGoAway:
			if f.code != http2.ErrCodeNo {
				c.t.Fatalf("stream %d: GOAWAY %v", stream, f.code)
			}
			continue
		case f.stream != stream:
			c.t.Fatalf("stream %d: a frame of %d: %+v", stream, f.stream, f)
		case f.kind == http2.FrameRSTStream:
			return head, body, f.code
		case f.kind == http2.FrameHeaders && f.head[":status"] < "200":
			continue
		case f.kind == http2.FrameHeaders:
			head = f.head
		default:
			body = append(body, f.data...)
		}
		if f.ends() {
			return head, body, http2.ErrCodeNo
		}
	}
}

// hangUp ends the connection, and waits for the server to have ended.
func (c *client) hangUp() {
	_ = c.conn.Close()
	<-c.served
}

func newServer(t testing.TB, h http.HandlerFunc, change ...func(*Config)) *Server {
	cfg := Config{Handler: h}
	for _, f := range change {
		f(&cfg)
	}
	s := New(cfg)
	t.Cleanup(s.Close)
	return s
}

func newFields(c *client) *hpack.Encoder { return hpack.NewEncoder(&c.block) }

func netPipe() (here, there net.Conn) { return net.Pipe() }

func says(w http.ResponseWriter, r *http.Request) {
	fmt.Fprint(w, r.Method, " ", r.Host, " ", r.RequestURI)
}
