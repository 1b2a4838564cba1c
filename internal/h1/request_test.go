package h1

import (
	"bufio"
	"bytes"
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"tandem/internal/h1/h1test"
)

// roomy are the limits of tests that are not about them.
var roomy = Limits{Head: 64 << 10, Line: 8 << 10, Fields: 100}

// bounded are roomy, but for the bytes of a head.
func bounded(head int) Limits {
	limits := roomy
	limits.Head = head
	return limits
}

const host = "Host: a\r\n"

var badHeads = h1test.BadHeads(roomy.Head, roomy.Line, roomy.Fields)

// goodHeads are heads that are taken, with what is read in them; Text and
// Fields are checked for all of them together.
var goodHeads = []struct {
	head string
	want Request
}{
	{"GET / HTTP/1.1\r\n" + host + "\r\n", Request{Method: "GET", Target: "/", Minor: 1, Host: "a", Length: -1}},
	{"\r\n\r\nGET / HTTP/1.1\r\n" + host + "\r\n", Request{Method: "GET", Target: "/", Minor: 1, Host: "a", Length: -1}},
	{"M-SEARCH //x?%zz HTTP/1.1\r\nhOST:\t[::1]:80 \r\n\r\n", Request{Method: "M-SEARCH", Target: "//x?%zz", Minor: 1, Host: "[::1]:80", Length: -1}},
	{"GET /%C3%a9?q={|} HTTP/1.1\r\nHost: a:\r\n\r\n", Request{Method: "GET", Target: "/%C3%a9?q={|}", Minor: 1, Host: "a:", Length: -1}},
	{"OPTIONS * HTTP/1.1\r\n" + host + "\r\n", Request{Method: "OPTIONS", Target: "*", Minor: 1, Host: "a", Length: -1}},
	{"GET http://b:8080/x?y HTTP/1.1\r\n" + host + "\r\n", Request{Method: "GET", Target: "/x?y", Minor: 1, Host: "b:8080", Length: -1}},
	{"GET HTTPS://b HTTP/1.1\r\n" + host + "\r\n", Request{Method: "GET", Target: "/", Minor: 1, Host: "b", Length: -1}},
	{"GET http://[::1]?y HTTP/1.0\r\n\r\n", Request{Method: "GET", Target: "/?y", Host: "[::1]", Close: true, Length: -1}},
	{"GET / HTTP/1.0\r\n\r\n", Request{Method: "GET", Target: "/", Close: true, Length: -1}},
	{"GET / HTTP/1.0\r\nConnection: x, Keep-Alive\r\n\r\n", Request{Method: "GET", Target: "/", Length: -1}},
	{"GET / HTTP/1.0\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n", Request{Method: "GET", Target: "/", Close: true, Length: -1}},
	{"GET / HTTP/1.7\r\n" + host + "Connection: te ,CLOSE\r\n\r\n", Request{Method: "GET", Target: "/", Minor: 1, Host: "a", Close: true, Length: -1}},
	{"GET / HTTP/1.1\r\n" + host + "Connection: closed\r\n\r\n", Request{Method: "GET", Target: "/", Minor: 1, Host: "a", Length: -1}},
	{"POST / HTTP/1.1\r\n" + host + "content-length: 5\r\n\r\n", Request{Method: "POST", Target: "/", Minor: 1, Host: "a", Length: 5}},
	{"POST / HTTP/1.1\r\n" + host + "Content-Length: 00\r\n\r\n", Request{Method: "POST", Target: "/", Minor: 1, Host: "a", Length: 0}},
	{"PUT / HTTP/1.1\r\n" + host + "Transfer-Encoding: Chunked\r\nEXPECT: 100-continue\r\n\r\n", Request{Method: "PUT", Target: "/", Minor: 1, Host: "a", Chunked: true, Expect: "100-continue", Length: -1}},
	{"GET / HTTP/1.1\r\n" + host + "Upgrade: h2c\r\nE:\r\nV: \t a\tb \xff \t\r\n\r\n", Request{Method: "GET", Target: "/", Minor: 1, Host: "a", Length: -1}},
	{"GET / HTTP/1.1\r\n" + host + strings.Repeat("X:1\r\n", roomy.Fields-1) + "\r\n", Request{Method: "GET", Target: "/", Minor: 1, Host: "a", Length: -1}},
	{"GET /" + strings.Repeat("a", roomy.Line-14) + " HTTP/1.1\r\n" + host + "\r\n", Request{Method: "GET", Target: "/" + strings.Repeat("a", roomy.Line-14), Minor: 1, Host: "a", Length: -1}},
}

func TestHeadIsReadAndWhatFollowsIsNotTaken(t *testing.T) {
	for _, row := range goodHeads {
		for _, behind := range []string{"", "\r\n", "GET /next HTTP/1.1\r\n", "\n", "\x00"} {
			var h Request
			n, err := h.Parse([]byte(row.head+behind), roomy)
			if err != nil || n != len(row.head) {
				t.Errorf("%.80q and %q behind it: %d bytes, %v; want %d", row.head, behind, n, err, len(row.head))
				continue
			}
			if want := strings.TrimLeft(row.head, "\r\n"); h.Text != want {
				t.Errorf("the text is %.80q; want %.80q", h.Text, want)
			}
			fields := h.Fields
			h.Text, h.Fields = "", nil
			if !reflect.DeepEqual(h, row.want) {
				t.Errorf("%.80q\n is read as %+v\n want       %+v", row.head, h, row.want)
			}
			if want := strings.Count(strings.TrimLeft(row.head, "\r\n"), "\r\n") - 2; len(fields) != want {
				t.Errorf("%.80q: %d fields; want %d", row.head, len(fields), want)
			}
		}
	}
}

func TestFieldsAreKeptInOrderAndFoundInAnyCase(t *testing.T) {
	var h Request
	b := []byte("GET / HTTP/1.1\r\nx-A:  1\r\nHost: a\r\nX-a: 2\t\r\nEmpty: \r\n\r\n")
	if _, err := h.Parse(b, roomy); err != nil {
		t.Fatal(err)
	}
	clear(b) // the head has a copy
	if want := []Field{{"x-A", "1"}, {"Host", "a"}, {"X-a", "2"}, {"Empty", ""}}; !reflect.DeepEqual(h.Fields, want) {
		t.Errorf("fields %q; want %q", h.Fields, want)
	}
	if all := h.Values("X-A"); !reflect.DeepEqual(all, []string{"1", "2"}) || h.Values("none") != nil {
		t.Errorf("X-A is %q", all)
	}
	if h.Get("X-A") != "1" || h.Count("X-A") != 2 || h.Get("none") != "" || h.Count("none") != 0 || h.Count("EMPTY") != 1 {
		t.Errorf("X-A is %q, %d times; None is %q, %d times", h.Get("X-A"), h.Count("X-A"), h.Get("none"), h.Count("none"))
	}
}

// TestMalformedHeadIsRefusedAtItsLastByteAndNotBefore: one byte less and more
// has to come; whatever is behind changes nothing.
func TestMalformedHeadIsRefusedAtItsLastByteAndNotBefore(t *testing.T) {
	for _, row := range badHeads {
		var h Request
		for _, behind := range []string{"", "\r\n\r\n", " HTTP/1.1\r\nHost: a\r\n\r\n"} {
			n, err := h.Parse([]byte(row.Text+behind), roomy)
			var malformed *Malformed
			if n != 0 || !errors.As(err, &malformed) || malformed.Status != row.Status {
				t.Errorf("%s: %.90q: %d bytes, %v; want status %d", row.Rule, row.Text+behind, n, err, row.Status)
			}
		}
		if n, err := h.Parse([]byte(row.Text[:len(row.Text)-1]), roomy); n != 0 || err != nil {
			t.Errorf("%s: a byte less: %d bytes, %v; want that more has to come", row.Rule, n, err)
		}
	}
}

func TestHeadAsLongAsTheLimitIsTaken(t *testing.T) {
	var h Request
	if n, err := h.Parse([]byte(h1test.Player), bounded(len(h1test.Player))); n != len(h1test.Player) || err != nil {
		t.Errorf("a head as long as the limit: %d bytes, %v", n, err)
	}
	if n, err := h.Parse([]byte(h1test.Player), bounded(len(h1test.Player)-1)); n != 0 || err != errHeadTooLong {
		t.Errorf("a byte longer: %d bytes, %v; want %v", n, err, errHeadTooLong)
	}
}

// arriving parses b as it arrives by single bytes, until there is an outcome.
func arriving(h *Request, b []byte, limits Limits) (n int, err error) {
	for i := 0; i <= len(b) && n == 0 && err == nil; i++ {
		n, err = h.Parse(b[:i:i], limits)
	}
	return n, err
}

func TestOutcomeIsTheSameByteByByte(t *testing.T) {
	var heads []string
	for _, row := range goodHeads {
		heads = append(heads, row.head)
	}
	for _, row := range badHeads {
		heads = append(heads, row.Text)
	}
	for _, head := range []int{20, 100, 9000} {
		for _, text := range heads {
			sameByteByByte(t, []byte(text+"GET "), bounded(head))
		}
	}
}

func sameByteByByte(t *testing.T, b []byte, limits Limits) (Request, int) {
	t.Helper()
	var once, slow Request
	n, err := once.Parse(b, limits)
	slowN, slowErr := arriving(&slow, b, limits)
	if n != slowN || err != slowErr {
		t.Fatalf("limit %d: %.90q at once: %d, %v; byte by byte: %d, %v", limits.Head, b, n, err, slowN, slowErr)
	}
	if n < 0 || n > len(b) || n > limits.Head || n > 0 && err != nil {
		t.Fatalf("limit %d: %.90q: %d of %d bytes, %v", limits.Head, b, n, len(b), err)
	}
	if n > 0 && !reflect.DeepEqual(once, slow) {
		t.Fatalf("%.90q is read as %+v at once, as %+v byte by byte", b, once, slow)
	}
	return once, n
}

// FuzzRequest: however bytes arrive and whatever follows, one outcome; and what
// is taken means to net/http what it means to us. (We may refuse more.)
func FuzzRequest(f *testing.F) {
	for _, row := range goodHeads {
		f.Add([]byte(row.head), []byte("GET / HTTP/1.1\r\n"))
	}
	for _, row := range badHeads {
		f.Add([]byte(row.Text), []byte("\r\n\r\n"))
	}
	f.Add([]byte(h1test.Player), []byte(""))
	f.Fuzz(func(t *testing.T, b, behind []byte) {
		if len(b) > 2000 {
			b = b[:2000] // byte by byte is quadratic here too
		}
		h, n := sameByteByByte(t, b, roomy)
		sameByteByByte(t, b, bounded(60))
		var more Request
		m, err := more.Parse(append(bytes.Clone(b), behind...), roomy)
		if _, first := new(Request).Parse(b, roomy); n > 0 || first != nil {
			if m != n || err != first || n > 0 && !reflect.DeepEqual(h, more) {
				t.Fatalf("%q: %d bytes, %v; with %q behind it: %d, %v", b, n, first, behind, m, err)
			}
		}
		if n > 0 {
			sameAsNetHTTP(t, &h)
		}
	})
}

func TestNetHTTPReadsWhatIsTakenTheSame(t *testing.T) {
	for _, row := range goodHeads {
		var h Request
		if _, err := h.Parse([]byte(row.head), roomy); err != nil {
			t.Fatal(err)
		}
		sameAsNetHTTP(t, &h)
	}
}

func sameAsNetHTTP(t *testing.T, h *Request) {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(h.Text)))
	if err != nil {
		if strings.Contains(err.Error(), "bad trailer key") {
			return // net/http judges what Trailer announces; the head is read all the same
		}
		t.Fatalf("net/http refuses %q: %v", h.Text, err)
	}
	target, err := url.ParseRequestURI(h.Target)
	if err != nil {
		t.Fatalf("net/url refuses the target %q: %v", h.Target, err)
	}
	path := r.URL.Path
	if path == "" {
		path = "/"
	}
	if r.Method != h.Method || path != target.Path || r.URL.RawQuery != target.RawQuery || r.Host != h.Host {
		t.Fatalf("%q: net/http has %s %q ? %q of %q; we have %s %q of %q", h.Text, r.Method, path, r.URL.RawQuery, r.Host, h.Method, h.Target, h.Host)
	}
	if r.Close != h.Close || (r.ContentLength != 0) != h.Bodied() {
		t.Fatalf("%q: net/http closes: %v, length %d; we: %v, a body: %v", h.Text, r.Close, r.ContentLength, h.Close, h.Bodied())
	}
	ours := http.Header{}
	for _, f := range h.Fields {
		ours.Add(f.Name, f.Value)
	}
	for _, other := range []http.Header{ours, r.Header} {
		other.Del("Host") // these three net/http takes out of the fields
		other.Del("Transfer-Encoding")
		if r.TransferEncoding != nil {
			other.Del("Trailer")
		}
		if ours.Get("Pragma") == "no-cache" {
			other.Del("Cache-Control") // and this it adds (RFC 9111 5.4)
		}
	}
	if !reflect.DeepEqual(ours, r.Header) {
		t.Fatalf("%q: net/http has the fields %q; we have %q", h.Text, r.Header, ours)
	}
}

func TestAllocationsOfAHeadAreOneCopy(t *testing.T) {
	var h Request
	good, bad := []byte(h1test.Player), []byte("GET /\x00")
	if n := testing.AllocsPerRun(100, func() { h.Parse(good, roomy) }); n != 1 {
		t.Errorf("%v allocations for a head; want the copy of its bytes only", n)
	}
	if n := testing.AllocsPerRun(100, func() { h.Parse(good[:len(good)-1], roomy); h.Parse(bad, roomy) }); n != 0 {
		t.Errorf("%v allocations for a head that is not all there and one that is malformed; want none", n)
	}
}

func BenchmarkRequest(b *testing.B) {
	var h Request
	head := []byte(h1test.Player)
	b.SetBytes(int64(len(head)))
	b.ReportAllocs()
	for b.Loop() {
		if n, err := h.Parse(head, roomy); n != len(head) {
			b.Fatal(n, err)
		}
	}
}

// BenchmarkRequestByteByByte is the worst client there is: a head of 64 KiB that
// never ends, with the longest request line and the most fields, by single
// bytes. The figure to look at is ns/byte.
func BenchmarkRequestByteByByte(b *testing.B) {
	head := []byte("GET /" + strings.Repeat("a", roomy.Line-14) + " HTTP/1.1\r\n" + strings.Repeat("X:1\r\n", roomy.Fields) + "X:")
	head = append(head, bytes.Repeat([]byte("x"), roomy.Head-len(head)-1)...)
	var h Request
	for b.Loop() {
		if n, err := arriving(&h, head, roomy); n != 0 || err != nil {
			b.Fatal(n, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(head)), "ns/byte")
}
