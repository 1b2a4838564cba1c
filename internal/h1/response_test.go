package h1

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
)

// edgeHead is what an edge answers with, as a balancer gets it.
const edgeHead = "HTTP/1.1 206 Partial Content\r\n" +
	"Content-Type: video/mp4\r\n" +
	"Cache-Control: public, max-age=31536000, immutable\r\n" +
	"ETag: \"65a1f0-3d0900\"\r\n" +
	"Last-Modified: Fri, 12 Jan 2024 09:30:00 GMT\r\n" +
	"Accept-Ranges: bytes\r\n" +
	"Age: 12\r\n" +
	"Access-Control-Allow-Origin: *\r\n" +
	"Cache-Status: edge-3; hit; ttl=31535988\r\n" +
	"Content-Range: bytes 0-65535/4000000\r\n" +
	"Content-Length: 65536\r\n" +
	"Date: Fri, 12 Jan 2024 09:31:00 GMT\r\n\r\n"

const okLine = "HTTP/1.1 200 OK\r\n"

// goodAnswers are heads that are taken, with what is read in them; Fields are counted.
var goodAnswers = []struct {
	head   string
	fields int
	want   Response
}{
	{okLine + "\r\n", 0, Response{Status: 200, Minor: 1, Length: -1}},
	{"HTTP/1.1 200 \r\n\r\n", 0, Response{Status: 200, Minor: 1, Length: -1}},
	{"HTTP/1.1 200\r\n\r\n", 0, Response{Status: 200, Minor: 1, Length: -1}},
	{"HTTP/1.1 999 Denied\r\n\r\n", 0, Response{Status: 999, Minor: 1, Length: -1}},
	{"HTTP/1.1 599 \xff\tx \r\n\r\n", 0, Response{Status: 599, Minor: 1, Length: -1}},
	{"HTTP/1.9 100 Continue\r\n\r\n", 0, Response{Status: 100, Minor: 1, Length: -1}},
	{"HTTP/1.0 200 OK\r\n\r\n", 0, Response{Status: 200, Length: -1, Close: true}},
	{"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 3\r\n\r\n", 2, Response{Status: 200, Length: 3}},
	{okLine + "Connection: x, close\r\n\r\n", 1, Response{Status: 200, Minor: 1, Length: -1, Close: true}},
	{okLine + "Transfer-Encoding: Chunked\r\n\r\n", 1, Response{Status: 200, Minor: 1, Length: -1, Chunked: true}},
	{okLine + "content-length \t:\t 7 \r\nA\t:\r\n\r\n", 2, Response{Status: 200, Minor: 1, Length: 7}},
	{okLine + strings.Repeat("X:1\r\n", roomy.Fields) + "\r\n", roomy.Fields, Response{Status: 200, Minor: 1, Length: -1}},
	{edgeHead, 11, Response{Status: 206, Minor: 1, Length: 65536}},
}

func TestAnswerIsReadAndWhatFollowsIsNotTaken(t *testing.T) {
	for _, row := range goodAnswers {
		for _, behind := range []string{"", "\r\n", "HTTP/1.1 200 OK\r\n", "\n", "\x00"} {
			var r Response
			n, err := r.Parse([]byte(row.head+behind), roomy)
			if err != nil || n != len(row.head) || len(r.Fields) != row.fields {
				t.Errorf("%.80q and %q behind it: %d bytes, %d fields, %v", row.head, behind, n, len(r.Fields), err)
				continue
			}
			r.Fields, r.Reason = nil, nil
			if !reflect.DeepEqual(r, row.want) {
				t.Errorf("%.80q\n is read as %+v\n want       %+v", row.head, r, row.want)
			}
		}
	}
}

func TestAnswersFieldsAreKeptInOrderAndWithoutTheSpaceOfOldServers(t *testing.T) {
	var r Response
	if _, err := r.Parse([]byte("HTTP/1.1 404  Not  here \r\nx-A : 1\r\nETag:\t\"a b\" \r\nX-a:2\r\n\r\n"), roomy); err != nil {
		t.Fatal(err)
	}
	want := []Line{{[]byte("x-A"), []byte("1")}, {[]byte("ETag"), []byte(`"a b"`)}, {[]byte("X-a"), []byte("2")}}
	if !reflect.DeepEqual(r.Fields, want) || string(r.Reason) != " Not  here " {
		t.Errorf("reason %q, fields %q", r.Reason, r.Fields)
	}
	if string(r.Get("x-a")) != "1" || string(r.Get("etag")) != `"a b"` || r.Get("none") != nil {
		t.Errorf("%q %q", r.Get("x-a"), r.Get("etag"))
	}
}

// badAnswers are refused at their last byte.
var badAnswers = []struct {
	rule string // RFC and section; "own" where we are stricter
	head string
}{
	{"9112 4 TLS", "\x16"},
	{"9112 4 ICY", "I"},
	{"9112 4 HTTP/0.9", "<"},
	{"9112 4 small letters", "h"},
	{"9110 2.5 HTTP/2", "HTTP/2"},
	{"9112 4 two digits", "HTTP/1.10"},
	{"9112 4 two spaces", "HTTP/1.1  "},
	{"9112 4 two digits of a status", "HTTP/1.1 20 "},
	{"9112 4 four digits", "HTTP/1.1 2000"},
	{"9112 4 sign", "HTTP/1.1 +"},
	{"9110 15 below 100", "HTTP/1.1 099 "},
	{"9110 15.2.2 not asked for", "HTTP/1.1 101 "},
	{"9112 4 a byte behind the status", "HTTP/1.1 200x"},
	{"9112 4 bare LF", "HTTP/1.1 200\n"},
	{"9112 4 NUL in a reason", "HTTP/1.1 200 O\x00"},
	{"9112 2.2 bare LF behind a reason", "HTTP/1.1 200 OK\n"},
	{"9112 2.2 bare CR in a reason", "HTTP/1.1 200 O\rK"},
	{"own: bare LF in a field", okLine + "A: b\n"},
	{"own: bare LF for the empty line", okLine + "\n"},
	{"9112 5.2 folded", okLine + "A: b\r\n c\r\n\r\n"},
	{"9112 2.2 white space before the first field", okLine + " A: b\r\n\r\n"},
	{"9112 5 no colon", okLine + "A\r\n\r\n"},
	{"9112 5 no colon behind a space", okLine + "A b\r\n\r\n"},
	{"9112 5 no colon behind spaces", okLine + "A  \r\n\r\n"},
	{"9110 5.1 no name", okLine + ": b\r\n\r\n"},
	{"9110 5.1 name not a token", okLine + "A(: b\r\n\r\n"},
	{"9110 5.5 bare CR", okLine + "A: b\rc\r\n\r\n"},
	{"9110 5.5 NUL", okLine + "A: \x00\r\n\r\n"},
	{"9110 5.5 NUL behind a spaced name", okLine + "A : \x00\r\n\r\n"},
	{"9112 6.3 length with a sign", okLine + "Content-Length: +5\r\n\r\n"},
	{"9112 6.3 no length", okLine + "Content-Length:\r\n\r\n"},
	{"9112 6.3 two lengths", okLine + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n"},
	{"own: the same length twice", okLine + "Content-Length: 5\r\nContent-Length: 5\r\n\r\n"},
	{"own: the same length in a list", okLine + "Content-Length: 5, 5\r\n\r\n"},
	{"9112 6.3 length and coding", okLine + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"},
	{"9112 6.3 length and coding, spaced", okLine + "Content-Length : 5\r\nTransfer-Encoding : chunked\r\n\r\n"},
	{"9112 6.1 a coding that nobody asked for", okLine + "Transfer-Encoding: gzip, chunked\r\n\r\n"},
	{"9112 6.3 last coding not chunked", okLine + "Transfer-Encoding: chunked, gzip\r\n\r\n"},
	{"9112 6.1 chunked twice", okLine + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"},
	{"9112 6.1 coding in HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"},
	{"own: too many fields", okLine + strings.Repeat("X:1\r\n", roomy.Fields+1)},
	{"own: too long", okLine + "X: " + strings.Repeat("x", roomy.Head-len(okLine)-3)},
}

func TestMalformedAnswerIsRefusedAtItsLastByteAndNotBefore(t *testing.T) {
	for _, row := range badAnswers {
		var r Response
		for _, behind := range []string{"", "\r\n\r\n"} {
			n, err := r.Parse([]byte(row.head+behind), roomy)
			var malformed *Malformed
			if n != 0 || !errors.As(err, &malformed) {
				t.Errorf("%s: %.90q: %d bytes, %v", row.rule, row.head+behind, n, err)
			}
		}
		if n, err := r.Parse([]byte(row.head[:len(row.head)-1]), roomy); n != 0 || err != nil {
			t.Errorf("%s: a byte less: %d bytes, %v; want that more has to come", row.rule, n, err)
		}
	}
}

func TestAnswerAsLongAsTheLimitIsTaken(t *testing.T) {
	var r Response
	if n, err := r.Parse([]byte(edgeHead), bounded(len(edgeHead))); n != len(edgeHead) || err != nil {
		t.Errorf("a head as long as the limit: %d bytes, %v", n, err)
	}
	if n, err := r.Parse([]byte(edgeHead), bounded(len(edgeHead)-1)); n != 0 || err != errHeadTooLong {
		t.Errorf("a byte longer: %d bytes, %v; want %v", n, err, errHeadTooLong)
	}
}

// What one node lets through the next one takes, with all that it adds.
func TestANodeBehindAnotherTakesWhatThatLetsThrough(t *testing.T) {
	const added = 10 // fields of a node's own, far more than there are
	if Behind.Fields < Viewers.Fields+added || Behind.Line < Viewers.Line+128 || Behind.Head < Viewers.Head+128+added*512 {
		t.Errorf("requests: %+v behind %+v", Behind, Viewers)
	}
	// An edge says ten fields more, and to another one the origin's a second time.
	if Edges.Fields < Origins.Fields+3*added || Edges.Head < Origins.Head+Origins.Head*4/3+3*added*512 {
		t.Errorf("answers: %+v behind %+v", Edges, Origins)
	}
}

func sameAnswerByteByByte(t *testing.T, b []byte, limits Limits) (Response, int) {
	t.Helper()
	var once, slow Response
	n, err := once.Parse(b, limits)
	slowN, slowErr := 0, error(nil)
	for i := 0; i <= len(b) && slowN == 0 && slowErr == nil; i++ {
		slowN, slowErr = slow.Parse(b[:i:i], limits)
	}
	if n != slowN || err != slowErr {
		t.Fatalf("limit %d: %.90q at once: %d, %v; byte by byte: %d, %v", limits.Head, b, n, err, slowN, slowErr)
	}
	if n < 0 || n > len(b) || n > limits.Head || len(once.Fields) > limits.Fields || n > 0 && err != nil {
		t.Fatalf("limit %d: %.90q: %d of %d bytes, %v", limits.Head, b, n, len(b), err)
	}
	if n > 0 && !reflect.DeepEqual(once, slow) {
		t.Fatalf("%.90q is read as %+v at once, as %+v byte by byte", b, once, slow)
	}
	return once, n
}

func TestOutcomeOfAnAnswerIsTheSameByteByByte(t *testing.T) {
	for _, head := range []int{14, 100, 9000} {
		for _, row := range goodAnswers {
			sameAnswerByteByByte(t, []byte(row.head+"HTTP"), bounded(head))
		}
		for _, row := range badAnswers {
			sameAnswerByteByByte(t, []byte(row.head+"HTTP"), bounded(head))
		}
	}
}

// FuzzResponse: however bytes arrive, one outcome; and what is taken, net/http takes
// for the same answer, with the same body, and the same bytes behind it.
func FuzzResponse(f *testing.F) {
	for _, row := range goodAnswers {
		f.Add([]byte(row.head+"5\r\nhello\r\n0\r\n\r\nHTTP/1.1"), byte(0))
	}
	for _, row := range badAnswers {
		f.Add([]byte(row.head), byte(1))
	}
	f.Fuzz(func(t *testing.T, b []byte, by byte) {
		if len(b) > 2000 {
			b = b[:2000]
		}
		r, n := sameAnswerByteByByte(t, b, roomy)
		// net/http takes white space behind a name for a part of it.
		if spaced := bytes.Contains(b, []byte(" :")) || bytes.Contains(b, []byte("\t:")); n > 0 && !r.Interim() && !spaced {
			sameAnswerAsNetHTTP(t, &r, b, n, []string{"GET", "HEAD", "PUT"}[by%3])
		}
	})
}

func TestNetHTTPReadsTheSameAnswer(t *testing.T) {
	for _, row := range goodAnswers {
		for _, method := range []string{"GET", "HEAD"} {
			for _, body := range []string{"", "hello", "5\r\nhello\r\n0\r\n\r\n", strings.Repeat("x", 70_000)} {
				b := []byte(row.head + body)
				var r Response
				if n, _ := r.Parse(b, roomy); !r.Interim() && !strings.Contains(row.head, "\t:") {
					sameAnswerAsNetHTTP(t, &r, b, n, method)
				}
			}
		}
	}
}

func sameAnswerAsNetHTTP(t *testing.T, r *Response, b []byte, n int, method string) {
	t.Helper()
	in := bufio.NewReaderSize(bytes.NewReader(b), 1<<20)
	theirs, err := http.ReadResponse(in, &http.Request{Method: method})
	if err != nil {
		if strings.Contains(err.Error(), "bad trailer key") {
			return // it judges what Trailer announces
		}
		t.Fatalf("net/http refuses %q: %v", b[:n], err)
	}
	ours := http.Header{}
	for _, f := range r.Fields {
		ours.Add(string(f.Name), string(f.Value))
	}
	frame := r.Body(method)
	closes := r.Close || frame.Open()
	// Without a length it says that even a HEAD's connection ends.
	if theirs.StatusCode != r.Status || theirs.Close != closes && !(r.Bodiless(method) && r.Length < 0 && theirs.Close) {
		t.Fatalf("%q to %s: net/http has %d, closing: %v; we: %d, %v", b[:n], method, theirs.StatusCode, theirs.Close, r.Status, closes)
	}
	for _, other := range []http.Header{ours, theirs.Header} {
		for _, name := range []string{"Transfer-Encoding", "Trailer", "Connection", "Content-Length"} {
			other.Del(name)
		}
		if ours.Get("Pragma") == "no-cache" {
			other.Del("Cache-Control")
		}
	}
	if !reflect.DeepEqual(ours, theirs.Header) {
		t.Fatalf("%q: net/http has the fields %q; we have %q", b[:n], theirs.Header, ours)
	}
	body, took, whole, refused := drain(&frame, b[n:], 1<<20)
	got, err := io.ReadAll(theirs.Body)
	if refused != nil {
		return // we may refuse more
	}
	if whole != (err == nil) && !frame.Open() || !bytes.Equal(body, got) {
		t.Fatalf("%q to %s: net/http has a body of %q, %v; we: %q, whole: %v", b, method, got, err, body, whole)
	}
	if left := in.Buffered(); whole && err == nil && left != len(b)-n-took && theirs.Trailer == nil {
		t.Fatalf("%q to %s: net/http leaves %d bytes; we leave %d", b, method, left, len(b)-n-took)
	}
}

func TestAnswersAreReadWithoutAnAllocation(t *testing.T) {
	var r Response
	good, bad := []byte(edgeHead), []byte(okLine+"A: \x00\r\n\r\n")
	r.Parse(good, Edges) // the list of fields has its room now
	if n := testing.AllocsPerRun(100, func() { r.Parse(good, Edges); r.Parse(good[:50], Edges); r.Parse(bad, Edges) }); n != 0 {
		t.Errorf("%v allocations for answers", n)
	}
}

func BenchmarkResponse(b *testing.B) {
	var r Response
	head := []byte(edgeHead)
	b.SetBytes(int64(len(head)))
	b.ReportAllocs()
	for b.Loop() {
		if n, err := r.Parse(head, Edges); n != len(head) {
			b.Fatal(n, err)
		}
	}
}
