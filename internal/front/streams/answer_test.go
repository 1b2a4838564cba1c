package streams

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// pipe is a connection that takes what nobody reads yet.
func pipe() (here, there net.Conn) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer ln.Close()
	here, err = net.Dial("tcp", ln.Addr().String())
	if err != nil {
		panic(err)
	}
	there, err = ln.Accept()
	if err != nil {
		panic(err)
	}
	return here, there
}

var long = strings.Repeat("0123456789", 20_000)

// answers are what handlers may do, and what a client gets of it.
var answers = map[string]struct {
	h      http.HandlerFunc
	method string
	status string
	head   map[string]string // some of it; "": it is not there
	body   string
	code   http2.ErrCode
	last   http2.FrameType // the frame that ends it
}{
	"nothing": {h: func(http.ResponseWriter, *http.Request) {}, status: "200", head: map[string]string{"content-length": "0"}, last: http2.FrameData},
	"a little": {h: func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "abc")
		_, _ = io.WriteString(w, "def")
	}, status: "200", head: map[string]string{"content-length": "6"}, body: "abcdef"},
	"announced": {h: func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "6")
		_, _ = io.WriteString(w, "abc")
		_, _ = io.WriteString(w, "def")
	}, status: "200", head: map[string]string{"content-length": "6"}, body: "abcdef"},
	"long, not announced": {h: func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, long) }, status: "200", head: map[string]string{"content-length": ""}, body: long},
	"in pieces": {h: func(w http.ResponseWriter, _ *http.Request) {
		for i := range 10 {
			_, _ = io.WriteString(w, long[20_000*i:20_000*i+7])
			_, _ = io.WriteString(w, long[20_000*i+7:20_000*(i+1)])
		}
	}, status: "200", body: long},
	"flushed": {h: func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "abc")
		w.(http.Flusher).Flush()
		_, _ = io.WriteString(w, "def")
	}, status: "200", head: map[string]string{"content-length": ""}, body: "abcdef"},
	"HEAD": {method: "HEAD", h: func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "6")
		w.WriteHeader(206)
		_, _ = io.WriteString(w, "abcdef")
	}, status: "206", head: map[string]string{"content-length": "6"}, last: http2.FrameHeaders},
	"204": {h: func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "6")
		w.WriteHeader(204)
	}, status: "204", head: map[string]string{"content-length": ""}, last: http2.FrameHeaders},
	"304": {h: func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Etag", `"x"`)
		w.WriteHeader(304)
		w.(http.Flusher).Flush()
	}, status: "304", head: map[string]string{"etag": `"x"`, "content-length": ""}, last: http2.FrameHeaders},
	"fields": {h: func(w http.ResponseWriter, _ *http.Request) {
		for name, v := range map[string]string{"Connection": "x", "Transfer-Encoding": "chunked", "X-Lines": "a\r\nb", "X Y": "no name", "Server-Timing": " a ", "Content-Type": "video/mp4"} {
			w.Header().Set(name, v)
		}
		w.WriteHeader(404)
		w.Header().Set("X-Late", "x")
	}, status: "404", head: map[string]string{"connection": "", "transfer-encoding": "", "x-lines": "a  b", "x y": "", "server-timing": "a", "content-type": "video/mp4", "x-late": ""}},
	"a head of 40 KB": {h: func(w http.ResponseWriter, _ *http.Request) {
		for i := range 40 {
			w.Header().Set(fmt.Sprint("X-", i), long[:1000])
		}
	}, status: "200", head: map[string]string{"x-39": long[:1000]}},
	"shorter than announced": {h: func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "7")
		_, _ = io.WriteString(w, "abc")
		w.(http.Flusher).Flush()
	}, status: "200", body: "abc", code: http2.ErrCodeInternal},
	"longer than announced": {h: func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "2")
		if _, err := io.WriteString(w, "abc"); !errors.Is(err, http.ErrContentLength) {
			panic(err)
		}
		_, _ = io.WriteString(w, "ab")
	}, status: "200", body: "ab"},
	"broken off": {h: func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "abc")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}, status: "200", body: "abc", code: http2.ErrCodeInternal},
	"a panic": {h: func(http.ResponseWriter, *http.Request) { panic("x") }, code: http2.ErrCodeInternal},
}

// TestAnswers is what a handler may do, and what a client gets of it.
func TestAnswers(t *testing.T) {
	var panicked []any
	for name, row := range answers {
		c := call(t, newServer(t, row.h, func(c *Config) { c.Panic = func(_ *http.Request, why any) { panicked = append(panicked, why) } }), http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 20})
		_ = c.WriteWindowUpdate(0, 1<<20)
		if row.method == "" {
			row.method = "GET"
		}
		c.ask(1, true, request(row.method, "/")...)
		head, body, code := c.answer(1)
		if head[":status"] != row.status || string(body) != row.body || code != row.code {
			t.Errorf("%s: %s, %d bytes, %v", name, head[":status"], len(body), code)
		}
		for field, want := range row.head {
			if head[field] != want {
				t.Errorf("%s: %s is %.40q, want %.40q", name, field, head[field], want)
			}
		}
		if head != nil && head["date"] == "" {
			t.Errorf("%s: no date", name)
		}
		c.hangUp()
	}
	if len(panicked) != 1 || panicked[0] != "x" {
		t.Errorf("%v were told of", panicked)
	}
}

// An answer whose end is known says it with its last bytes, and a short one is written at
// once: a head, and a frame.
func TestTheLastBytesEndAnAnswer(t *testing.T) {
	c := call(t, newServer(t, func(w http.ResponseWriter, r *http.Request) {
		if n := r.URL.Query().Get("announced"); n != "" {
			w.Header().Set("Content-Length", n)
		}
		_, _ = w.Write(make([]byte, 3000))
	}))
	defer c.hangUp()
	for i, path := range []string{"/?announced=3000", "/"} {
		c.get(uint32(2*i+1), path)
		head, data := c.next(http2.FrameHeaders), c.next(http2.FrameData)
		if head.ends() || !data.ends() || len(data.data) != 3000 || head.head["content-length"] != "3000" {
			t.Errorf("%s: %+v, then %d bytes, the last: %v", path, head, len(data.data), data.ends())
		}
	}
}

// Informational heads go out at once, and the answer follows.
func TestInformationalHeadsGoOutAtOnce(t *testing.T) {
	on := make(chan struct{})
	c := call(t, newServer(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</a>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		<-on
		w.WriteHeader(http.StatusOK)
	}))
	defer c.hangUp()
	c.get(1, "/")
	if f := c.next(http2.FrameHeaders); f.head[":status"] != "103" || f.ends() || f.head["link"] == "" || f.head["date"] != "" {
		t.Errorf("%+v", f)
	}
	close(on)
	if head, _, _ := c.answer(1); head[":status"] != "200" {
		t.Errorf("%v", head)
	}
}

// What clients read of a head is what the handler said: whatever the table has for it.
func TestHeadsReadAsTheyWereWritten(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		h := http.Header{}
		for name := range names {
			if random.IntN(2) == 0 && name != "Content-Length" {
				h.Add(name, strings.Repeat("v", random.IntN(3)*random.IntN(300))+"x")
			}
		}
		for i := range random.IntN(5) {
			h.Add("X-"+strings.Repeat("y", random.IntN(300)), strconv.Itoa(i))
		}
		status, length := 200+random.IntN(400), int64(random.IntN(1<<30))
		got := http.Header{}
		d := hpack.NewDecoder(0, func(f hpack.HeaderField) { got.Add(f.Name, f.Value) })
		if _, err := d.Write(appendHead([]byte{noTable}, status, h, length)); err != nil || d.Close() != nil {
			t.Fatal(err)
		}
		if got.Get(":status") != strconv.Itoa(status) || got.Get("Content-Length") != strconv.FormatInt(length, 10) {
			t.Errorf("%d, %d: %v", status, length, got)
		}
		for name, values := range h {
			if !bytes.Equal([]byte(strings.Join(got.Values(name), ",")), []byte(strings.Join(values, ","))) {
				t.Errorf("%s: %q, want %q", name, got.Values(name), values)
			}
		}
	}
}

// RFC 7541 section 4.2: whose table of heads may be smaller than it is hears what becomes
// of it with the next head. There is none here.
func TestClientsAreToldThatThereIsNoTable(t *testing.T) {
	here, there := pipe()
	c := over(t, newServer(t, says), here, there)
	c.raw()
	c.preface()
	for i, told := range []bool{true, false, true, false} {
		if i == 2 {
			_ = c.WriteSettings(http2.Setting{ID: http2.SettingHeaderTableSize, Val: 0})
			c.next(http2.FrameSettings)
		}
		c.get(uint32(2*i+1), "/")
		if f := c.next(http2.FrameHeaders); (f.data[0] == noTable) != told {
			t.Errorf("head %d: %x", i, f.data[0])
		}
	}
	c.hangUp()
}
