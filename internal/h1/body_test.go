package h1

import (
	"bytes"
	"fmt"
	"io"
	"net/http/httputil"
	"strings"
	"testing"
)

// drain gives a body the bytes of b, step at a time, and takes what it finds: the
// body, how many bytes it and its framing are, and whether it ended. Wherever it stops,
// as many bytes as Run says are the body's, whatever they are.
func drain(f *Body, b []byte, step int) (body []byte, took int, whole bool, err error) {
	seen := 0
	for !f.Ended() {
		look := *f
		if run, any := f.Run(), []byte("any"); run > 0 {
			if skip, n, err := look.Next(any); skip != 0 || int64(n) != min(run, 3) || err != nil {
				return body, took, false, fmt.Errorf("a run of %d: %d and %d, %w", run, skip, n, err)
			}
		}
		skip, n, err := f.Next(b[took:seen])
		if err != nil {
			return body, took, false, err
		}
		took += skip
		if skip == 0 && n == 0 {
			if seen == len(b) {
				return body, took, f.Ended(), nil
			}
			seen = min(seen+step, len(b))
			f.Took(0) // nothing is nothing
			continue
		}
		if n > 0 {
			n = (n + 1) / 2 // less than there is
			body = append(body, b[took:took+n]...)
			took += n
			f.Took(int64(n))
		}
	}
	return body, took, true, nil
}

// goodChunks are bodies that are taken, with what is in them.
var goodChunks = []struct{ text, body string }{
	{"0\r\n\r\n", ""},
	{"5\r\nhello\r\n0\r\n\r\n", "hello"},
	{"5\r\nhello\r\n6\r\n world\r\n000\r\n\r\n", "hello world"},
	{"A\r\nhelloworld\r\n0\r\n\r\n", "helloworld"},
	{"a\r\nhello\r\n\r\n0\r\n0\r\n\r\n", "hello\r\n\r\n0"},
	{"00000000000000000005\r\nhello\r\n0\r\n\r\n", "hello"},
	{"5;a\r\nhello\r\n0;b=c\r\n\r\n", "hello"},
	{"5 \t;\ta = b ; c;d=\"\" ;e=\"x;\\\"\\\\\ty\"\r\nhello\r\n0\r\n\r\n", "hello"},
	{"5\r\nhello\r\n0\r\nX-Sum: abc\r\nY:\r\nContent-Length: 5\r\n\r\n", "hello"},
	{"5;" + strings.Repeat("x", maxChunkLine-4) + "\r\nhello\r\n0\r\n\r\n", "hello"},
	{"0\r\nX: " + strings.Repeat("y", maxTrailer-7) + "\r\n\r\n", ""},
}

func TestChunksAreFoundHoweverTheyAreCutAndNothingBehindThemIsTaken(t *testing.T) {
	for _, row := range goodChunks {
		for _, step := range []int{1, 2, 3, 7, 1 << 20} {
			for _, behind := range []string{"", "0\r\n\r\n", "GET / HTTP/1.1\r\n"} {
				f := bodyOf(-1, true)
				body, took, whole, err := drain(&f, []byte(row.text+behind), step)
				if string(body) != row.body || took != len(row.text) || !whole || err != nil {
					t.Errorf("%.60q by %d: %q, %d bytes, whole: %v, %v", row.text, step, body, took, whole, err)
				}
			}
			for i := range len(row.text) - 1 {
				if i > 300 && i < len(row.text)-300 && i%997 != 0 {
					continue // in the middle of data that are long, where one place is like another
				}
				f := bodyOf(-1, true)
				if _, took, whole, err := drain(&f, []byte(row.text[:i]), step); took != i || whole || err != nil {
					t.Fatalf("%.60q by %d: %d of %d bytes, whole: %v, %v", row.text, step, took, i, whole, err)
				}
			}
		}
	}
}

// badChunks are refused at their last byte.
var badChunks = []struct {
	rule string // of RFC 9112; "own" where we are stricter
	text string
	err  error
}{
	{"7.1 no size", "\r", errChunkSize},
	{"7.1 white space before a size", " ", errChunkSize},
	{"7.1 sign", "+", errChunkSize},
	{"7.1 minus", "-", errChunkSize},
	{"7.1 prefix", "0x", errChunkSize},
	{"7.1 underscore", "1_", errChunkSize},
	{"7.1 extension without a size", ";", errChunkSize},
	{"7.1 another digit", "5\u0660"[:2], errChunkSize},
	{"7.1 bare LF", "5\n", errChunkSize},
	{"7.1 bare CR", "5\rh", errChunkSize},
	{"7.1 a number that overflows", "FFFFFFFFFFFFFFF", errChunkTooLong},
	{"7.1 a number that overflows behind zeros", "000000000000FFFFFFFFFFFFFFF", errChunkTooLong},
	{"7.1 white space behind a size", "5 \r", errChunkExt},
	{"7.1 white space behind a size, and a digit", "5 5", errChunkExt},
	{"7.1.1 no name", "5;\r", errChunkExt},
	{"7.1.1 no name before a value", "5;=", errChunkExt},
	{"7.1.1 a name that is no token", "5;bad[", errChunkExt},
	{"7.1.1 no value", "5;a=\r", errChunkExt},
	{"7.1.1 a value that is no token", "5;a=b(", errChunkExt},
	{"7.1.1 white space behind a name", "5;a \r", errChunkExt},
	{"7.1.1 two names", "5;a b", errChunkExt},
	{"7.1.1 white space behind a value", "5;a=b \r", errChunkExt},
	{"7.1.1 two equals signs", "5;a==", errChunkExt},
	{"7.1.1 a token behind quotation marks", "5;a=\"b\"c", errChunkExt},
	{"7.1.1 quotation marks in a token", "5;a=b\"", errChunkExt},
	{"7.1.1 quotation marks that are not closed", "5;a=\"b\r", errChunkExt},
	{"7.1.1 NUL", "5;\x00", errChunkExt},
	{"7.1.1 NUL in quotation marks", "5;a=\"\x00", errChunkExt},
	{"7.1.1 NUL behind a backslash", "5;a=\"\\\x00", errChunkExt},
	{"7.1.1 bare CR", "5;a\rX", errChunkSize},
	{"7.1.1 bare LF", "5;a\n", errChunkExt},
	{"own: a long line", "5;" + strings.Repeat("a", maxChunkLine-1), errChunkExt},
	{"own: a long size", strings.Repeat("0", maxChunkLine+1), errChunkExt},
	{"own: extensions that are long together", strings.Repeat("1;"+strings.Repeat("a", 200)+"\r\nx\r\n", maxExtensions/201) + "1;" + strings.Repeat("a", maxExtensions%201+1), errChunkExt},
	{"7.1 more than was said", "5\r\nhello!", errChunkEnd},
	{"7.1 the next size at once", "5\r\nhello0", errChunkEnd},
	{"7.1 bare LF behind the bytes", "5\r\nhello\n", errChunkEnd},
	{"7.1 bare CR behind the bytes", "5\r\nhello\r0", errChunkEnd},
	{"7.1.2 no name", "0\r\n:", errTrailer},
	{"7.1.2 a name that is no token", "0\r\nA ", errTrailer},
	{"7.1.2 no colon", "0\r\nA\r", errTrailer},
	{"7.1.2 folded", "0\r\nA: b\r\n ", errTrailer},
	{"7.1.2 bare LF", "0\r\n\n", errTrailer},
	{"7.1.2 bare LF in a field", "0\r\nA: b\n", errTrailer},
	{"7.1.2 bare CR at the end", "0\r\n\rX", errTrailer},
	{"7.1.2 bare CR in a field", "0\r\nA: b\rc", errTrailer},
	{"7.1.2 NUL", "0\r\nA: \x00", errTrailer},
	{"own: long", "0\r\nX: " + strings.Repeat("y", maxTrailer-2), errTrailer},
}

func TestMalformedChunksAreRefusedAtTheirLastByteAndNotBefore(t *testing.T) {
	for _, row := range badChunks {
		for _, step := range []int{1, 1 << 20} {
			f := bodyOf(-1, true)
			if _, _, whole, err := drain(&f, []byte(row.text+"\r\n\r\n"), step); err != row.err || whole {
				t.Errorf("%s: %.60q by %d: %v, whole: %v; want %v", row.rule, row.text, step, err, whole, row.err)
			}
			f = bodyOf(-1, true)
			if _, _, whole, err := drain(&f, []byte(row.text[:len(row.text)-1]), step); err != nil || whole {
				t.Errorf("%s: a byte less by %d: %v, whole: %v", row.rule, step, err, whole)
			}
		}
	}
}

func TestBodiesByLength(t *testing.T) {
	for _, row := range []struct {
		f          Body
		body       string
		took       int
		left, run  int64
		whole      bool
		bytesToCut string
	}{
		{bodyOf(5, false), "hello", 5, 5, 5, true, "hello world"},
		{bodyOf(12, false), "hello world", 11, 12, 12, false, "hello world"},
		{bodyOf(0, false), "", 0, 0, 0, true, "x"},
		{bodyOf(-1, false), "", 0, 0, 0, true, "x"},
		{Body{open: true}, "hello world", 11, -1, -1, false, "hello world"},
		{bodyOf(-1, true), "", 0, -1, 0, false, ""},
	} {
		f := row.f
		if f.Left() != row.left || f.Run() != row.run {
			t.Errorf("%+v: %d left, a run of %d", f, f.Left(), f.Run())
		}
		body, took, whole, err := drain(&f, []byte(row.bytesToCut), 3)
		if string(body) != row.body || took != row.took || whole != row.whole || err != nil {
			t.Errorf("%+v: %q, %d bytes, whole: %v, %v", row.f, body, took, whole, err)
		}
	}
}

// RFC 9112 6.3, in its order.
func TestWhereABodyEnds(t *testing.T) {
	const none, open = 0, -2
	for _, row := range []struct {
		method, head string
		left         int64
	}{
		{"HEAD", okLine + "Content-Length: 5\r\n\r\n", none},
		{"HEAD", okLine + "Transfer-Encoding: chunked\r\n\r\n", none},
		{"HEAD", okLine + "\r\n", none},
		{"GET", "HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n", none},
		{"GET", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", none},
		{"GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", none},
		{"GET", "HTTP/1.1 205 Reset Content\r\nContent-Length: 5\r\n\r\n", 5},
		{"GET", okLine + "Transfer-Encoding: chunked\r\n\r\n", -1},
		{"GET", okLine + "Content-Length: 5\r\n\r\n", 5},
		{"GET", okLine + "Content-Length: 0\r\n\r\n", none},
		{"GET", okLine + "\r\n", open},
		{"GET", "HTTP/1.0 200 OK\r\n\r\n", open},
	} {
		var r Response
		if _, err := r.Parse([]byte(row.head), Edges); err != nil {
			t.Fatal(err)
		}
		f := r.Body(row.method)
		if got := f.Left(); got != row.left && !(row.left == open && f.Open()) {
			t.Errorf("%s %q: %d, up to the end: %v", row.method, row.head, got, f.Open())
		}
	}
}

// FuzzBody: however bytes arrive, the same body of the same length, in a bounded
// number of bytes; and net/http finds the same one in what is taken.
func FuzzBody(f *testing.F) {
	for _, row := range goodChunks {
		f.Add([]byte(row.text), uint8(1))
	}
	for _, row := range badChunks {
		f.Add([]byte(row.text), uint8(3))
	}
	f.Fuzz(func(t *testing.T, b []byte, step uint8) {
		once, slow := bodyOf(-1, true), bodyOf(-1, true)
		body, took, whole, err := drain(&once, b, len(b)+1)
		other, tookSlow, wholeSlow, errSlow := drain(&slow, b, int(step)+1)
		if !bytes.Equal(body, other) || whole != wholeSlow || err != errSlow || err == nil && took != tookSlow {
			t.Fatalf("%q at once: %q %d %v %v; by %d: %q %d %v %v", b, body, took, whole, err, step, other, tookSlow, wholeSlow, errSlow)
		}
		// Of each byte of a body there may be a chunk; what else there is is bounded.
		if most := len(body)*(maxChunkLine+4+1) + maxExtensions + maxTrailer + maxChunkLine + 4; took > most || took > len(b) {
			t.Fatalf("%q: %d bytes for a body of %d", b, took, len(body))
		}
		if !whole {
			return
		}
		in := bytes.NewReader(b)
		theirs, err := io.ReadAll(httputil.NewChunkedReader(in))
		if err != nil && !stricter(err, b) || err == nil && !bytes.Equal(body, theirs) {
			t.Fatalf("%q: net/http has %q, %v; we have %q", b, theirs, err, body)
		}
	})
}

// stricter tells whether net/http has a limit of its own, or no white space before an
// extension.
func stricter(err error, b []byte) bool {
	return strings.Contains(err.Error(), "too much overhead") || strings.Contains(err.Error(), "too large") ||
		strings.Contains(err.Error(), "invalid byte in chunk length") && bytes.ContainsAny(b, " \t")
}

func TestBodiesAreReadWithoutAnAllocation(t *testing.T) {
	text := []byte(goodChunks[7].text)
	if n := testing.AllocsPerRun(100, func() {
		f := bodyOf(-1, true)
		for b := text; !f.Ended(); {
			skip, n, err := f.Next(b)
			if err != nil {
				t.Fatal(err)
			}
			b = b[skip+n:]
			f.Took(int64(n))
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
