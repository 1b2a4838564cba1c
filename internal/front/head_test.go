package front

import (
	"bufio"
	"bytes"
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
)

const testLimit = 64 << 10

// playerHead is what a browser's player sends for a segment: 12 fields.
const playerHead = "GET /live/news/720p/segment-184467.m4s?session=7f3a HTTP/1.1\r\n" +
	"Host: edge-3.example.net:8080\r\n" +
	"Connection: keep-alive\r\n" +
	"sec-ch-ua-platform: \"Linux\"\r\n" +
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36\r\n" +
	"sec-ch-ua-mobile: ?0\r\n" +
	"Accept: */*\r\n" +
	"Origin: https://player.example.net\r\n" +
	"Sec-Fetch-Site: same-site\r\n" +
	"Sec-Fetch-Mode: cors\r\n" +
	"Referer: https://player.example.net/\r\n" +
	"Accept-Encoding: gzip, deflate, br, zstd\r\n" +
	"Accept-Language: en-GB,en;q=0.9\r\n\r\n"

const host = "Host: a\r\n"

// goodHeads are heads that are taken, with what is read in them; Text and
// Fields are checked for all of them together.
var goodHeads = []struct {
	head string
	want Head
}{
	{"GET / HTTP/1.1\r\n" + host + "\r\n", Head{Method: "GET", Target: "/", Minor: 1, Host: "a"}},
	{"\r\n\r\nGET / HTTP/1.1\r\n" + host + "\r\n", Head{Method: "GET", Target: "/", Minor: 1, Host: "a"}},
	{"M-SEARCH //x?%zz HTTP/1.1\r\nhOST:\t[::1]:80 \r\n\r\n", Head{Method: "M-SEARCH", Target: "//x?%zz", Minor: 1, Host: "[::1]:80"}},
	{"GET /%C3%a9?q={|} HTTP/1.1\r\nHost: a:\r\n\r\n", Head{Method: "GET", Target: "/%C3%a9?q={|}", Minor: 1, Host: "a:"}},
	{"OPTIONS * HTTP/1.1\r\n" + host + "\r\n", Head{Method: "OPTIONS", Target: "*", Minor: 1, Host: "a"}},
	{"GET http://b:8080/x?y HTTP/1.1\r\n" + host + "\r\n", Head{Method: "GET", Target: "/x?y", Minor: 1, Host: "b:8080"}},
	{"GET HTTPS://b HTTP/1.1\r\n" + host + "\r\n", Head{Method: "GET", Target: "/", Minor: 1, Host: "b"}},
	{"GET http://[::1]?y HTTP/1.0\r\n\r\n", Head{Method: "GET", Target: "/?y", Host: "[::1]", Close: true}},
	{"GET / HTTP/1.0\r\n\r\n", Head{Method: "GET", Target: "/", Close: true}},
	{"GET / HTTP/1.0\r\nConnection: x, Keep-Alive\r\n\r\n", Head{Method: "GET", Target: "/"}},
	{"GET / HTTP/1.0\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n", Head{Method: "GET", Target: "/", Close: true}},
	{"GET / HTTP/1.7\r\n" + host + "Connection: te ,CLOSE\r\n\r\n", Head{Method: "GET", Target: "/", Minor: 1, Host: "a", Close: true}},
	{"GET / HTTP/1.1\r\n" + host + "Connection: closed\r\n\r\n", Head{Method: "GET", Target: "/", Minor: 1, Host: "a"}},
	{"POST / HTTP/1.1\r\n" + host + "content-length: 5\r\n\r\n", Head{Method: "POST", Target: "/", Minor: 1, Host: "a", Bodied: true}},
	{"POST / HTTP/1.1\r\n" + host + "Content-Length: 00\r\n\r\n", Head{Method: "POST", Target: "/", Minor: 1, Host: "a"}},
	{"PUT / HTTP/1.1\r\n" + host + "Transfer-Encoding: Chunked\r\nEXPECT: 100-continue\r\n\r\n", Head{Method: "PUT", Target: "/", Minor: 1, Host: "a", Bodied: true, Expect: true}},
	{"GET / HTTP/1.1\r\n" + host + "Upgrade: h2c\r\nE:\r\nV: \t a\tb \xff \t\r\n\r\n", Head{Method: "GET", Target: "/", Minor: 1, Host: "a", Upgrade: true}},
	{"GET / HTTP/1.1\r\n" + host + strings.Repeat("X:1\r\n", maxFields-1) + "\r\n", Head{Method: "GET", Target: "/", Minor: 1, Host: "a"}},
	{"GET /" + strings.Repeat("a", maxLine-14) + " HTTP/1.1\r\n" + host + "\r\n", Head{Method: "GET", Target: "/" + strings.Repeat("a", maxLine-14), Minor: 1, Host: "a"}},
}

func TestHeadIsReadAndWhatFollowsIsNotTaken(t *testing.T) {
	for _, row := range goodHeads {
		for _, behind := range []string{"", "\r\n", "GET /next HTTP/1.1\r\n", "\n", "\x00"} {
			var h Head
			n, err := h.Parse([]byte(row.head+behind), testLimit)
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
	var h Head
	b := []byte("GET / HTTP/1.1\r\nx-A:  1\r\nHost: a\r\nX-a: 2\t\r\nEmpty: \r\n\r\n")
	if _, err := h.Parse(b, testLimit); err != nil {
		t.Fatal(err)
	}
	clear(b) // the head has a copy
	if want := []Field{{"x-A", "1"}, {"Host", "a"}, {"X-a", "2"}, {"Empty", ""}}; !reflect.DeepEqual(h.Fields, want) {
		t.Errorf("fields %q; want %q", h.Fields, want)
	}
	if h.Get("X-A") != "1" || h.Count("X-A") != 2 || h.Get("none") != "" || h.Count("none") != 0 || h.Count("EMPTY") != 1 {
		t.Errorf("X-A is %q, %d times; None is %q, %d times", h.Get("X-A"), h.Count("X-A"), h.Get("none"), h.Count("none"))
	}
}

// badHeads are refused. Those whose line ends early are refused before more
// has come: a client that speaks something else does not send a head's end.
var badHeads = []struct {
	rule   string // RFC and section; "own" where we are stricter
	status int
	head   string
}{
	{"9112 2.2 bare LF after the request line", 400, "GET / HTTP/1.1\n"},
	{"9112 2.2 bare LF in a field", 400, "GET / HTTP/1.1\r\nHost: a\n"},
	{"9112 2.2 bare LF for the empty line", 400, "GET / HTTP/1.1\r\nHost: a\r\n\n"},
	{"9112 2.2 bare LF before the request line", 400, "\n"},
	{"9112 2.2 bare CR before the request line", 400, "\rG"},
	{"own: five empty lines", 400, "\r\n\r\n\r\n\r\n\r\n"},
	{"9112 2.2 bare CR in a value", 400, "GET / HTTP/1.1\r\nHost: a\rXY: 1\r\n\r\n"},
	{"9112 2.2 bare CR at a value's end", 400, "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n"},
	{"9112 2.2 bare CR for a line's end", 400, "GET / HTTP/1.1\r\nHost: a\r\n\rX: 1\r\n\r\n"},
	{"9112 2.2 bare CR for a name", 400, "GET / HTTP/1.1\r\nHost: a\r\nX\r: 1\r\n\r\n"},
	{"9112 3 TLS", 400, "\x16"},
	{"9112 3 no method", 400, " "},
	{"9112 3 method not a token", 400, "GE("},
	{"9112 3 method and tab", 400, "GET\t"},
	{"9112 3 method too long", 501, strings.Repeat("A", maxMethod+1)},
	{"9112 3 two spaces before the target", 400, "GET  "},
	{"9112 3 two spaces after the target", 400, "GET /  "},
	{"9112 3 four words", 400, "GET / x"},
	{"9112 3 space after the version", 400, "GET / HTTP/1.1 "},
	{"9112 3 HTTP/0.9", 400, "GET /\r"},
	{"9112 3 request line too long", 414, "GET /" + strings.Repeat("a", maxLine-13) + " HTTP/1.1\r"},
	{"9112 3.2 tab in the target", 400, "GET /\t"},
	{"9112 3.2 NUL in the target", 400, "GET /\x00"},
	{"9112 3.2 DEL in the target", 400, "GET /\x7f"},
	{"9112 3.2 byte above ASCII in the target", 400, "GET /\x80"},
	{"9112 3.2 fragment", 400, "GET /a#"},
	{"3986 2.1 escape without digits", 400, "GET /%4g HTTP/1.1\r\n"},
	{"3986 2.1 escape cut short", 400, "GET /%4 HTTP/1.1\r\n"},
	{"3986 2.1 escape without digits after a host", 400, "GET http://a/%4g HTTP/1.1\r\n"},
	{"9112 3.2.1 no slash", 400, "GET index.html HTTP/1.1\r\n"},
	{"9112 3.2.2 other scheme", 400, "GET ftp://a/ HTTP/1.1\r\n"},
	{"9110 4.2.1 no host", 400, "GET http:///x HTTP/1.1\r\n"},
	{"9110 4.2.1 port only", 400, "GET http://:80/x HTTP/1.1\r\n"},
	{"9110 4.2.4 user information", 400, "GET http://u@a/ HTTP/1.1\r\n"},
	{"9112 3.2.3 authority-form", 501, "CONNECT a:80 HTTP/1.1\r\n"},
	{"9112 3.2.3 authority-form of GET", 400, "GET a:80 HTTP/1.1\r\n"},
	{"9112 3.2.4 asterisk-form of GET", 400, "GET * HTTP/1.1\r\n"},
	{"9112 3.2.4 asterisk and more", 400, "OPTIONS ** HTTP/1.1\r\n"},
	{"9112 2.3 small letters", 400, "GET / h"},
	{"9112 2.3 no digits", 400, "GET / HTTP/x"},
	{"9112 2.3 two digits", 400, "GET / HTTP/1.10"},
	{"9110 2.5 HTTP/2", 505, "PRI * HTTP/2.0\r\n"},
	{"9110 2.5 HTTP/0.9 by name", 505, "GET / HTTP/0.9\r\n"},
	{"9112 2.2 white space before the first field", 400, "GET / HTTP/1.1\r\n Host: a\r\n\r\n"},
	{"9112 5.2 folded", 400, "GET / HTTP/1.1\r\nHost: a\r\n\tb\r\n\r\n"},
	{"9112 5.1 blank before the colon", 400, "GET / HTTP/1.1\r\nHost : a\r\n\r\n"},
	{"9112 5.1 no colon", 400, "GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n"},
	{"9110 5.1 no name", 400, "GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n"},
	{"9110 5.1 name not a token", 400, "GET / HTTP/1.1\r\nHost: a\r\nX\x80: x\r\n\r\n"},
	{"9110 5.5 NUL in a value", 400, "GET / HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n"},
	{"9110 5.5 DEL in a value", 400, "GET / HTTP/1.1\r\nHost: a\r\nX: a\x7f\r\n\r\n"},
	{"9112 3.2 no Host", 400, "GET / HTTP/1.1\r\nX: a\r\n\r\n"},
	{"9112 3.2 no Host, absolute-form", 400, "GET http://a/ HTTP/1.1\r\n\r\n"},
	{"9112 3.2 no Host, no field", 400, "GET / HTTP/1.1\r\n\r\n"},
	{"9112 3.2 two Hosts", 400, "GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n"},
	{"9112 3.2 empty Host", 400, "GET / HTTP/1.0\r\nHost:\r\n\r\n"},
	{"9112 3.2 Host with a path", 400, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"},
	{"9112 3.2 Host with a space", 400, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"},
	{"9112 3.2 Host with user information", 400, "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"},
	{"9112 3.2 Host with a port's name", 400, "GET / HTTP/1.1\r\nHost: a:http\r\n\r\n"},
	{"9112 3.2 Host with two ports", 400, "GET / HTTP/1.1\r\nHost: a:1:2\r\n\r\n"},
	{"9112 3.2 Host, bracket open", 400, "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"},
	{"9112 3.2 Host, bracket of no address", 400, "GET / HTTP/1.1\r\nHost: [1.2.3.4]\r\n\r\n"},
	{"9112 3.2 Host, more after the bracket", 400, "GET / HTTP/1.1\r\nHost: [::1]a\r\n\r\n"},
	{"9112 3.2 Host, a zone in brackets", 400, "GET / HTTP/1.1\r\nHost: [fe80::1%eth0]\r\n\r\n"},
	{"own: escape in Host", 400, "GET / HTTP/1.1\r\nHost: %61\r\n\r\n"},
	{"9110 8.6 length with a sign", 400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n"},
	{"9110 8.6 no length", 400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n"},
	{"9110 8.6 hexadecimal length", 400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\n"},
	{"9110 8.6 length too large", 400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999999999999999\r\n\r\n"},
	{"9112 6.3 two lengths", 400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n"},
	{"own: the same length twice", 400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n"},
	{"own: the same length twice in a list", 400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\n"},
	{"9112 6.1 length and coding", 400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n"},
	{"9112 6.1 coding in HTTP/1.0", 400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"},
	{"9112 6.3 last coding not chunked", 400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n"},
	{"9112 6.3 other coding alone", 400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n"},
	{"9112 6.3 no coding", 400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n"},
	{"9112 7 chunked with a parameter", 400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked;a=b\r\n\r\n"},
	{"9112 6.1 chunked twice", 400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n"},
	{"own: two fields of codings", 400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"},
	{"9112 6.1 a coding that is not implemented", 501, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"},
	{"own: too many fields", 431, "GET / HTTP/1.1\r\n" + strings.Repeat("X:1\r\n", maxFields+1)},
	{"9112 3 head too long", 431, "GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", testLimit-28)},
}

// TestMalformedHeadIsRefusedAtItsLastByteAndNotBefore: one byte less and more
// has to come; whatever is behind changes nothing.
func TestMalformedHeadIsRefusedAtItsLastByteAndNotBefore(t *testing.T) {
	for _, row := range badHeads {
		var h Head
		for _, behind := range []string{"", "\r\n\r\n", " HTTP/1.1\r\nHost: a\r\n\r\n"} {
			n, err := h.Parse([]byte(row.head+behind), testLimit)
			var malformed *Malformed
			if n != 0 || !errors.As(err, &malformed) || malformed.Status != row.status {
				t.Errorf("%s: %.90q: %d bytes, %v; want status %d", row.rule, row.head+behind, n, err, row.status)
			}
		}
		if n, err := h.Parse([]byte(row.head[:len(row.head)-1]), testLimit); n != 0 || err != nil {
			t.Errorf("%s: a byte less: %d bytes, %v; want that more has to come", row.rule, n, err)
		}
	}
}

func TestHeadAsLongAsTheLimitIsTaken(t *testing.T) {
	var h Head
	if n, err := h.Parse([]byte(playerHead), len(playerHead)); n != len(playerHead) || err != nil {
		t.Errorf("a head as long as the limit: %d bytes, %v", n, err)
	}
	if n, err := h.Parse([]byte(playerHead), len(playerHead)-1); n != 0 || err != errHeadTooLong {
		t.Errorf("a byte longer: %d bytes, %v; want %v", n, err, errHeadTooLong)
	}
}

// arriving parses b as it arrives by single bytes, until there is an outcome.
func arriving(h *Head, b []byte, limit int) (n int, err error) {
	for i := 0; i <= len(b) && n == 0 && err == nil; i++ {
		n, err = h.Parse(b[:i:i], limit)
	}
	return n, err
}

func TestOutcomeIsTheSameByteByByte(t *testing.T) {
	var heads []string
	for _, row := range goodHeads {
		heads = append(heads, row.head)
	}
	for _, row := range badHeads {
		heads = append(heads, row.head)
	}
	for _, limit := range []int{20, 100, 9000} {
		for _, head := range heads {
			sameByteByByte(t, []byte(head+"GET "), limit)
		}
	}
}

func sameByteByByte(t *testing.T, b []byte, limit int) (Head, int) {
	t.Helper()
	var once, slow Head
	n, err := once.Parse(b, limit)
	slowN, slowErr := arriving(&slow, b, limit)
	if n != slowN || err != slowErr {
		t.Fatalf("limit %d: %.90q at once: %d, %v; byte by byte: %d, %v", limit, b, n, err, slowN, slowErr)
	}
	if n < 0 || n > len(b) || n > limit || n > 0 && err != nil {
		t.Fatalf("limit %d: %.90q: %d of %d bytes, %v", limit, b, n, len(b), err)
	}
	if n > 0 && !reflect.DeepEqual(once, slow) {
		t.Fatalf("%.90q is read as %+v at once, as %+v byte by byte", b, once, slow)
	}
	return once, n
}

// FuzzHead: however bytes arrive and whatever follows, one outcome; and what
// is taken means to net/http what it means to us. (We may refuse more.)
func FuzzHead(f *testing.F) {
	for _, row := range goodHeads {
		f.Add([]byte(row.head), []byte("GET / HTTP/1.1\r\n"))
	}
	for _, row := range badHeads {
		f.Add([]byte(row.head), []byte("\r\n\r\n"))
	}
	f.Add([]byte(playerHead), []byte(""))
	f.Fuzz(func(t *testing.T, b, behind []byte) {
		if len(b) > 2000 {
			b = b[:2000] // byte by byte is quadratic here too
		}
		h, n := sameByteByByte(t, b, testLimit)
		sameByteByByte(t, b, 60)
		var more Head
		m, err := more.Parse(append(bytes.Clone(b), behind...), testLimit)
		if _, first := new(Head).Parse(b, testLimit); n > 0 || first != nil {
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
		var h Head
		if _, err := h.Parse([]byte(row.head), testLimit); err != nil {
			t.Fatal(err)
		}
		sameAsNetHTTP(t, &h)
	}
}

func sameAsNetHTTP(t *testing.T, h *Head) {
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
	if r.Close != h.Close || (r.ContentLength != 0) != h.Bodied {
		t.Fatalf("%q: net/http closes: %v, length %d; we: %v, a body: %v", h.Text, r.Close, r.ContentLength, h.Close, h.Bodied)
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
	var h Head
	good, bad := []byte(playerHead), []byte("GET /\x00")
	if n := testing.AllocsPerRun(100, func() { h.Parse(good, testLimit) }); n != 1 {
		t.Errorf("%v allocations for a head; want the copy of its bytes only", n)
	}
	if n := testing.AllocsPerRun(100, func() { h.Parse(good[:len(good)-1], testLimit); h.Parse(bad, testLimit) }); n != 0 {
		t.Errorf("%v allocations for a head that is not all there and one that is malformed; want none", n)
	}
}

func BenchmarkHead(b *testing.B) {
	var h Head
	head := []byte(playerHead)
	b.SetBytes(int64(len(head)))
	b.ReportAllocs()
	for b.Loop() {
		if n, err := h.Parse(head, testLimit); n != len(head) {
			b.Fatal(n, err)
		}
	}
}

// BenchmarkHeadByteByByte is the worst client there is: a head of 64 KiB that
// never ends, with the longest request line and the most fields, by single
// bytes. The figure to look at is ns/byte.
func BenchmarkHeadByteByByte(b *testing.B) {
	head := []byte("GET /" + strings.Repeat("a", maxLine-14) + " HTTP/1.1\r\n" + strings.Repeat("X:1\r\n", maxFields) + "X:")
	head = append(head, bytes.Repeat([]byte("x"), testLimit-len(head)-1)...)
	var h Head
	for b.Loop() {
		if n, err := arriving(&h, head, testLimit); n != 0 || err != nil {
			b.Fatal(n, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(head)), "ns/byte")
}
