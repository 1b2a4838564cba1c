package front

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"tandem/internal/front/kernel"
)

// deed is what a Handler does with its http.ResponseWriter. ours makes of what
// net/http's client sees what we want ours to see, where that differs.
type deed struct {
	name   string
	serve  func(w http.ResponseWriter, r *http.Request)
	method string // GET
	fields []string
	ours   func(*seen)
	panics int // that Config.Panic is told of
}

func (d *deed) asks() string {
	if d.method == "" {
		return http.MethodGet
	}
	return d.method
}

// Where we want it otherwise than net/http.
var (
	// An answer that is not whole ends in a reset (truth 4): a client, or a cache
	// before it, that does not look at lengths can't take it for the whole.
	broken = func(x *seen) {
		if x.cut != "" {
			x.cut = byReset
		} else {
			x.then = byReset
		}
	}
	// Up to 4 KiB are kept back until a length can be said; in net/http 2 KiB.
	lengthSaid = func(length int) func(*seen) { return func(x *seen) { x.framing = fmt.Sprint("length ", length) } }
	// A body that comes by ReadFrom is not kept back at all.
	chunkedAtOnce = func(x *seen) { x.framing = "chunked" }
	// Of a HEAD request's body the length is not counted for.
	noLength = func(x *seen) { x.framing = "none" }
	// The length of a 304 is what the 200 would have (RFC 9110 8.6), and its type
	// does no harm: net/http takes both out.
	kept304 = func(x *seen) { x.framing, x.fields = "length 5", `Content-Type=["text/x"]` }
	// Trailers are not sent; nobody here has any.
	noTrailers = func(x *seen) { x.framing, x.fields = "length 1", x.fields+` Trailer=["X-End"]` }
)

func text(s string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, s) }
}

func status(code int, then ...func(http.ResponseWriter, *http.Request)) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(code)
		for _, f := range then {
			f(w, r)
		}
	}
}

// with sets a field first.
func with(name, value string, then ...func(http.ResponseWriter, *http.Request)) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(name, value)
		for _, f := range then {
			f(w, r)
		}
	}
}

// dripping writes single bytes, and nothing after each.
func dripping(n int) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		for range n {
			_, _ = w.Write([]byte("x"))
			_, _ = w.Write(nil)
		}
	}
}

func flush(w http.ResponseWriter, _ *http.Request) { w.(http.Flusher).Flush() }

func dies(why any) func(http.ResponseWriter, *http.Request) {
	return func(http.ResponseWriter, *http.Request) { panic(why) }
}

func several(all ...func(http.ResponseWriter, *http.Request)) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		for _, f := range all {
			f(w, r)
		}
	}
}

func file(n int64) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		f, err := os.Open(fmt.Sprintf("/proc/self/fd/%d", onDisk().Fd()))
		if err == nil {
			defer f.Close()
			_, _ = io.Copy(w, io.LimitReader(f, n))
		}
	}
}

func extent(n int64) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.(io.ReaderFrom).ReadFrom(&kernel.Extent{File: onDisk(), Left: n})
	}
}

// socket copies up to most bytes from a socket that gives n.
func socket(n int, most int64) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		if from, err := fed(n); err == nil {
			defer from.Close()
			_, _ = io.Copy(w, io.LimitReader(from, most))
		}
	}
}

// yields expects what a call returns, as the client can't see it.
func yields(name string, want error, call func(w http.ResponseWriter) error) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		if err := call(w); fmt.Sprint(err) != fmt.Sprint(want) {
			w.Header().Set("X-Wrong", fmt.Sprintf("%s: %v", name, err))
		}
	}
}

func write(b string) func(http.ResponseWriter) error {
	return func(w http.ResponseWriter) error { _, err := io.WriteString(w, b); return err }
}

func deadline(t time.Time) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) { _ = http.NewResponseController(w).SetWriteDeadline(t) }
}

var big = strings.Repeat("0123456789", 10_000)

var deeds = []deed{
	{name: "nothing", serve: several()},
	{name: "status", serve: status(404)},
	{name: "status twice", serve: status(404, status(200))},
	{name: "small body", serve: text("hello")},
	{name: "empty write", serve: text("")},
	{name: "status and small body", serve: status(201, text("hello"))},
	{name: "2048 bytes", serve: text(big[:2048])},
	{name: "4096 bytes", serve: text(big[:4096]), ours: lengthSaid(4096)},
	{name: "4097 bytes", serve: text(big[:4097])},
	{name: "large body", serve: text(big)},
	{name: "small writes", serve: several(text("a"), text(""), text("b"), text("c"))},
	{name: "many writes", serve: several(text(big[:3000]), text(big[:3000]), text(""), text(big[:9000]), text("x"), text(big))},
	{name: "empty writes at every fill of the buffer", serve: several(text(big[:5000]), dripping(1000), text(big[:9000]), text(""))},
	{name: "flushes", serve: several(text("a"), flush, text("b"), flush, flush, text("c"))},
	{name: "flush before write", serve: several(flush, text("b"))},
	{name: "flush alone", serve: flush},
	{name: "flush after status", serve: status(202, flush)},
	{name: "length exact", serve: with("Content-Length", "5", text("hello"))},
	{name: "length exact in two", serve: with("Content-Length", "5", text("he"), flush, text("llo"))},
	{name: "length exact and large", serve: with("Content-Length", "100000", text(big))},
	{name: "length of nothing", serve: with("Content-Length", "0")},
	{name: "length short", serve: with("Content-Length", "6", text("hello")), ours: broken},
	{name: "length and nothing", serve: with("Content-Length", "6"), ours: broken},
	{name: "length short and flushed", serve: with("Content-Length", "6", text("hello"), flush), ours: broken},
	{name: "length too long", serve: with("Content-Length", "4", yields("Write", http.ErrContentLength, write("hello"))), ours: broken},
	{name: "length not a number", serve: with("Content-Length", "five", text("hello")), ours: lengthSaid(5)},
	{name: "length negative", serve: with("Content-Length", "-5", text("hello")), ours: lengthSaid(5)},
	{name: "HEAD", method: "HEAD", serve: several()},
	{name: "HEAD and a write", method: "HEAD", serve: text("hello"), ours: noLength},
	{name: "HEAD and a large write", method: "HEAD", serve: text(big)},
	{name: "HEAD and a length", method: "HEAD", serve: with("Content-Length", "5")},
	{name: "HEAD, a length and a write", method: "HEAD", serve: with("Content-Length", "5", text("hello"))},
	{name: "HEAD and a file", method: "HEAD", serve: with("Content-Length", "100000", file(100_000))},
	{name: "HEAD and an extent", method: "HEAD", serve: with("Content-Length", "100000", extent(100_000))},
	{name: "HEAD and a flush", method: "HEAD", serve: several(text("x"), flush, text("y"))},
	{name: "204", serve: status(204)},
	{name: "204 and a write", serve: status(204, yields("Write", http.ErrBodyNotAllowed, write("hello")))},
	{name: "204 and a length", serve: with("Content-Length", "5", status(204))},
	{name: "304", serve: several(func(w http.ResponseWriter, _ *http.Request) { w.Header().Del("Content-Type") }, status(304))},
	{name: "304 and a length", serve: with("Content-Length", "5", status(304)), ours: kept304},
	{name: "304 and a write", serve: with("Content-Length", "5", status(304, yields("Write", http.ErrBodyNotAllowed, write("hello")))), ours: kept304},
	{name: "102", serve: status(102, text("hello"))},
	{name: "103 and fields", serve: with("Link", "</x>", status(103), with("Link", "</y>", status(103, text(big))))},
	{name: "103 and a length", serve: with("Content-Length", "5", status(103, text("hello")))},
	{name: "field after status", serve: status(200, with("X-Late", "1", text("hello")))},
	{name: "field removed after status", serve: with("X-Early", "1", status(200), func(w http.ResponseWriter, _ *http.Request) { w.Header().Del("X-Early") }, text("hello"))},
	{name: "field added after status", serve: with("X-Two", "1", status(200), func(w http.ResponseWriter, _ *http.Request) { w.Header().Add("X-Two", "2") }, text("hello"))},
	{name: "field after write", serve: several(text("a"), with("X-Late", "1"), text("b"))},
	{name: "length changed after status", serve: with("Content-Length", "5", status(200), with("Content-Length", "7", text("hello")))},
	{name: "length removed after status", serve: with("Content-Length", "5", status(200), func(w http.ResponseWriter, _ *http.Request) { w.Header().Del("Content-Length") }, text("hello"))},
	{name: "length after status", serve: status(200, with("Content-Length", "7", text("hello")))},
	{name: "file and its length", serve: with("Content-Length", "100000", file(100_000))},
	{name: "file without length", serve: file(100_000)},
	{name: "short file without length", serve: file(100), ours: chunkedAtOnce},
	// What is not acknowledged when a connection is reset is lost: these fit into a first window.
	{name: "file shorter than its length", serve: with("Content-Length", "50000", file(49_999)), ours: broken},
	{name: "file longer than its length", serve: with("Content-Length", "99999", file(100_000)), ours: func(x *seen) { x.then = goesOn }}, // not a byte more goes out
	{name: "file after a write", serve: with("Content-Length", "100005", text("hello"), file(100_000))},
	{name: "write after a file", serve: with("Content-Length", "100005", file(100_000), text("hello"))},
	{name: "extent", serve: with("Content-Length", "100000", extent(100_000))},
	{name: "extent without length", serve: extent(100_000)},
	{name: "extents and a write", serve: with("Content-Length", "200005", extent(100_000), text("hello"), extent(100_000))},
	{name: "extent that is short", serve: with("Content-Length", "50000", extent(49_999)), ours: broken},
	{name: "socket", serve: with("Content-Length", "100000", socket(100_000, 100_000))},
	{name: "socket without length", serve: socket(100_000, 100_000)},
	{name: "socket that ends early", serve: with("Content-Length", "50000", socket(49_000, 50_000)), ours: broken},
	{name: "socket that gives more", serve: with("Content-Length", "99000", socket(100_000, 100_000)), ours: func(x *seen) { x.then = goesOn }},
	{name: "abort at once", serve: dies(http.ErrAbortHandler), ours: broken},
	{name: "abort after a small write", serve: several(text("hello"), dies(http.ErrAbortHandler)), ours: broken},
	{name: "abort after the head", serve: several(text("hello"), flush, dies(http.ErrAbortHandler)), ours: broken},
	{name: "abort after a length", serve: with("Content-Length", "100005", text(big), flush, dies(http.ErrAbortHandler)), ours: broken},
	{name: "abort after all", serve: with("Content-Length", "5", text("hello"), flush, dies(http.ErrAbortHandler))},
	{name: "panic at once", serve: dies("oh"), ours: broken, panics: 1},
	{name: "panic after the head", serve: several(flush, dies("oh")), ours: broken, panics: 1},
	{name: "panic with nil", serve: dies(nil), ours: broken, panics: 1},
	{name: "status that is none", serve: status(99), ours: broken, panics: 1},
	{name: "status of four digits", serve: status(1000), ours: broken, panics: 1},
	{name: "close", serve: with("Connection", "close", text("hello"))},
	{name: "close and large", serve: with("Connection", "close", text(big))},
	{name: "close that was asked for", fields: []string{"Connection: close"}, serve: text("hello")},
	{name: "HEAD and close", method: "HEAD", serve: with("Connection", "close")},
	{name: "keep-alive", serve: with("Connection", "keep-alive", text("hello"))},
	{name: "chunked by hand", serve: with("Transfer-Encoding", "chunked", text(big))},
	{name: "chunked and a length", serve: with("Transfer-Encoding", "chunked", with("Content-Length", "5", text("hello"))), ours: lengthSaid(5)},
	{name: "two values", serve: func(w http.ResponseWriter, _ *http.Request) { w.Header()["X-Two"] = []string{"a", "b, c"} }},
	{name: "line breaks in a value", serve: with("X-Break", "a\r\nX-Injected: b\r\n\r\nc", text("hello"))},
	{name: "a name that is none", serve: with("X-Break: a\r\nX-Injected", "b", with("", "c", text("hello")))},
	{name: "blanks around a value", serve: with("X-Blank", " \ta b\t ", text("hello"))},
	{name: "trailer", serve: with("Trailer", "X-End", text("x"), with("X-End", "1")), ours: noTrailers},
	{name: "write deadline gone by", serve: several(text("a"), flush, deadline(time.Unix(1, 0)), text(big), text(big)), ours: broken},
	{name: "write deadline to come", serve: several(deadline(time.Now().Add(time.Hour)), text(big))},
	{name: "error", serve: func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusTeapot) }},
	{name: "redirect", serve: func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/x", http.StatusFound) }},
	{name: "OPTIONS", method: "OPTIONS", serve: status(204)},
	{name: "DELETE", method: "DELETE", serve: text("hello")},
}
