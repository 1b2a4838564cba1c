package h1test

import "fmt"

// Want is what has to come of a probe.
type Want uint8

// What may come.
const (
	Refused   Want = iota // 400, or the connection ends without an answer; it ends in any case, and nothing behind is answered
	Refused1              // the same, or 501
	Served                // 2xx, and the body that was sent comes back from who echoes; what is behind is answered
	Served1               // 2xx, and the connection ends
	NotOther              // anything but another protocol
	Unwaited              // nothing yet, or 400: the body is not all there
	NoInterim             // anything, but no interim answer before it
	NoLength              // 204 has no Content-Length
	NoBody                // 2xx, and nothing follows the head
	Allowed               // 405 has Allow
	Dated                 // 2xx, and a Date
)

// Probe is what a client sends, and what has to come of it.
type Probe struct {
	Rule string // RFC and section
	Text string
	Want Want
	Body string // what an echo of it has
}

const (
	post    = "POST / HTTP/1.1\r\nHost: a\r\n"
	get     = "GET / HTTP/1.1\r\nHost: a\r\n"
	chunked = post + "Transfer-Encoding: chunked\r\n\r\n"
	end     = "\r\nhello\r\n0\r\n\r\n"
	socket  = "Upgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: "
	behind  = "GET /behind HTTP/1.1\r\nHost: a\r\n\r\n"
)

// Musts are requests of which RFC 9110 and RFC 9112 say in so many words what has to
// come: the requirements that public suites of raw requests try, as we read them.
var Musts = concat(headMusts, hostMusts, lengthMusts, codingMusts, chunkMusts, bodyMusts, methodMusts, bothMusts())

func concat(lists ...[]Probe) (all []Probe) {
	for _, list := range lists {
		all = append(all, list...)
	}
	return all
}

var headMusts = []Probe{
	{"9112 2.2 a line that ends with CR", "GET / HTTP/1.1\rHost: a\r\n\r\n", Refused, ""},
	{"9112 2.2 CR in a value", post + "Content-Length: 5\r\nX: a\rb\r\n\r\nhello", Refused, ""},
	{"9112 2.2 a line of white space before the fields", "GET / HTTP/1.1\r\n \r\nHost: a\r\n\r\n", Refused, ""},
	{"9112 3 no target", "GET HTTP/1.1\r\nHost: a\r\n\r\n", Refused, ""},
	{"9112 3.2 a space in the target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", Refused, ""},
	{"9112 3.2 NUL in the target", "GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n", Refused, ""},
	{"9112 3.2 UTF-8 in the target", "GET /caf\u00e9 HTTP/1.1\r\nHost: a\r\n\r\n", Refused, ""},
	{"9112 3.2 a slash in two bytes", "GET /\xc0\xaf HTTP/1.1\r\nHost: a\r\n\r\n", Refused, ""},
	{"9112 3.2.4 the asterisk for GET", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", Refused, ""},
	{"9112 3.2.4 the asterisk for OPTIONS", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", Served, ""},
	{"9112 2.3 no minor version", "GET / HTTP/1\r\nHost: a\r\n\r\n", Refused, ""},
	{"9112 2.3 zeros before the version", "GET / HTTP/01.01\r\nHost: a\r\n\r\n", Refused, ""},
	{"9112 2.3 white space in the version", "GET / HTTP/ 1.1\r\nHost: a\r\n\r\n", Refused, ""},
	{"9112 2.3 small letters", "GET / http/1.1\r\nHost: a\r\n\r\n", Refused, ""},
	{"9112 5 no name", get + ": x\r\n\r\n", Refused, ""},
	{"9112 5 a bracket in a name", get + "A[: x\r\n\r\n", Refused, ""},
	{"9112 5 UTF-8 in a name", get + "X-\u00eb: x\r\n\r\n", Refused, ""},
	{"9112 5 a tab in a name", post + "Content-Length: 11\r\nContent\tLength: 99\r\n\r\nhello world", Refused, ""},
	{"9112 5 no colon", get + "Nothing\r\n\r\n", Refused, ""},
	{"9112 5.1 a space before the colon", get + "X : y\r\n\r\n", Refused, ""},
	{"9112 5.1 a length with a space before the colon", post + "Content-Length: 11\r\nContent-Length : 5\r\n\r\nhello world", Refused, ""},
	{"9112 5.2 a fold", get + "X: a\r\n b\r\n\r\n", Refused, ""},
	{"9110 5.5 NUL in a value", get + "X: a\x00b\r\n\r\n", Refused, ""},
	{"9110 5.5 bell, backspace and vertical tab in a value", get + "X: a\a\b\vb\r\n\r\n", Refused, ""},
}

var hostMusts = []Probe{
	{"9112 3.2 no Host", "GET / HTTP/1.1\r\n\r\n", Refused, ""},
	{"9112 3.2 an empty Host", "GET / HTTP/1.1\r\nHost: \r\n\r\n", Refused, ""},
	{"9112 3.2 two Hosts", get + "Host: b\r\n\r\n", Refused, ""},
	{"9112 3.2 the same Host twice", get + "Host: a\r\n\r\n", Refused, ""},
	{"9112 3.2 two hosts in one", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", Refused, ""},
	{"9112 3.2 a user in Host", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", Refused, ""},
	{"9112 3.2 a path in Host", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", Refused, ""},
}

var lengthMusts = []Probe{
	{"9112 6.3 letters for a length", post + "Content-Length: abc\r\n\r\n", Refused, ""},
	{"9112 6.3 an empty length", post + "Content-Length: \r\n\r\n", Refused, ""},
	{"9112 6.3 a plus", post + "Content-Length: +5\r\n\r\nhello", Refused, ""},
	{"9112 6.3 a minus", post + "Content-Length: -1\r\n\r\n", Refused, ""},
	{"9112 6.3 minus zero", post + "Content-Length: -0\r\n\r\n", Refused, ""},
	{"9112 6.3 octal", post + "Content-Length: 0o5\r\n\r\nhello", Refused, ""},
	{"9112 6.3 hexadecimal", post + "Content-Length: 0x5\r\n\r\nhello", Refused, ""},
	{"9112 6.3 an underscore", post + "Content-Length: 1_0\r\n\r\nhelloworld", Refused, ""},
	{"9112 6.3 a space between digits", post + "Content-Length: 1 0\r\n\r\nhelloworld", Refused, ""},
	{"9112 6.3 too many digits", post + "Content-Length: 99999999999999999999\r\n\r\n", Refused, ""},
	{"9112 6.3 two lengths", post + "Content-Length: 5\r\nContent-Length: 10\r\n\r\nhelloworld", Refused, ""},
	{"9112 6.3 two lengths in one", post + "Content-Length: 5, 10\r\n\r\nhelloworld", Refused, ""},
	{"9112 6.3 two lengths, a request between them", post + "Content-Length: 4\r\nContent-Length: 41\r\n\r\nPING" + behind, Refused, ""},
}

var codingMusts = []Probe{
	{"9112 6.1 a coding that is unknown", post + "Transfer-Encoding: gzip\r\n\r\n", Refused1, ""},
	{"9112 6.1 a coding that is nearly known", post + "Transfer-Encoding: xchunked\r\nContent-Length: 5\r\n\r\nhello", Refused1, ""},
	{"9112 6.1 identity", post + "Transfer-Encoding: identity\r\nContent-Length: 5\r\n\r\nhello", Refused1, ""},
	{"9112 6.1 no coding", post + "Transfer-Encoding: \r\nContent-Length: 5\r\n\r\nhello", Refused, ""},
	{"9112 6.3 chunked is not the last", post + "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", Refused, ""},
	{"9112 6.1 a coding in HTTP/1.0", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\nhello", Refused, ""},
	{"9112 6.1 two fields", post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\nContent-Length: 5\r\n\r\nhello", Refused, ""},
	{"9112 5.1 a space before the colon", post + "Transfer-Encoding : chunked\r\nContent-Length: 5\r\n\r\nhello", Refused, ""},
	{"9112 6.1 a space behind, and a length", post + "Transfer-Encoding: chunked \r\nContent-Length: 5\r\n\r\nhello", Refused1, ""},
	{"9110 5.5 a vertical tab", post + "Transfer-Encoding: \vchunked\r\nContent-Length: 5\r\n\r\nhello", Refused, ""},
	{"9110 5.5 a form feed", post + "Transfer-Encoding: \fchunked\r\nContent-Length: 5\r\n\r\nhello", Refused, ""},
	{"9110 5.5 NUL", post + "Transfer-Encoding: chunked\x00\r\nContent-Length: 5\r\n\r\nhello", Refused, ""},
	{"9112 5.2 a fold", post + "Transfer-Encoding:\r\n chunked\r\nContent-Length: 5\r\n\r\nhello", Refused, ""},
	{"9112 5.2 a fold of OPTIONS", "OPTIONS / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n chunked\r\nContent-Length: 5\r\n\r\nhello", Refused, ""},
}

var chunkMusts = []Probe{
	{"9112 7.1 a prefix", chunked + "0x5" + end, Refused, ""},
	{"9112 7.1 a plus", chunked + "+5" + end, Refused, ""},
	{"9112 7.1 a plus before zero", chunked + "+0\r\n\r\nX", Refused, ""},
	{"9112 7.1 a minus", chunked + "-1" + end, Refused, ""},
	{"9112 7.1 an underscore", chunked + "1_0\r\nhello world!!!!!\r\n0\r\n\r\n", Refused, ""},
	{"9112 7.1 a space before", chunked + " 5" + end, Refused, ""},
	{"9112 7.1 a space behind", chunked + "5 " + end, Refused, ""},
	{"9112 7.1 a size that overflows", chunked + "FFFFFFFFFFFFFFFF0" + end, Refused, ""},
	{"9112 7.1 CR for a line's end", chunked + "5\rhello\r\n0\r\n\r\n", Refused, ""},
	{"9112 7.1 no CRLF behind the bytes", chunked + "5\r\nhello0\r\n\r\n", Refused, ""},
	{"9112 7.1 more bytes than were said", chunked + "5\r\nhello!!\r\n0\r\n\r\n", Refused, ""},
	{"9112 7.1.1 an extension without a name", chunked + "5;" + end, Refused, ""},
	{"9112 7.1.1 a bracket in a name", chunked + "5;a[=b" + end, Refused, ""},
	{"9112 7.1.1 NUL in an extension", chunked + "5;\x00a" + end, Refused, ""},
	{"9112 7.1.1 CR in an extension", chunked + "5;a\rX" + end, Refused, ""},
}

var bodyMusts = []Probe{
	{"9112 6.2 a body", post + "Content-Length: 5\r\n\r\nhello", Served, "hello"},
	{"9112 6.2 an empty body", post + "Content-Length: 0\r\n\r\n", Served, ""},
	{"9112 6.3 no body", post + "\r\n", Served, ""},
	{"9112 7.1 chunks", chunked + "5" + end, Served, "hello"},
	{"9112 7.1 two chunks", chunked + "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", Served, "hello world"},
	{"9112 7.1 no bytes", chunked + "0\r\n\r\n", Served, ""},
	{"9112 7.1 a size in capitals", chunked + "A\r\nhelloworld\r\n0\r\n\r\n", Served, "helloworld"},
	{"9112 7.1.1 an extension", chunked + "5;a=b" + end, Served, "hello"},
	{"9112 7.1.2 a trailer field", chunked + "5\r\nhello\r\n0\r\nX-Sum: abc\r\n\r\n", Served, "hello"},
	{"9110 14.2 a range of POST", post + "Content-Length: 5\r\nRange: bytes=0-10\r\n\r\nhello", Served, "hello"},
	{"9112 6.2 a body that is cut off", post + "Content-Length: 10\r\n\r\nhello", Unwaited, ""},
	{"9112 6.2 a body that does not come", post + "Content-Length: 999999999\r\n\r\n", Unwaited, ""},
	{"9112 7.1 no last chunk", chunked + "5\r\nhello\r\n", Unwaited, ""},
	{"9110 15.2 an expectation in HTTP/1.0", "POST / HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello", NoInterim, ""},
}

var methodMusts = []Probe{
	{"9110 9.3.2 HEAD", "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", NoBody, ""},
	{"9110 6.6.1 Date", get + "\r\n", Dated, ""},
	{"9110 8.6 no length of 204", "OPTIONS / HTTP/1.1\r\nHost: a\r\n\r\n", NoLength, ""},
	{"9110 15.5.6 Allow", "DELETE / HTTP/1.1\r\nHost: a\r\n\r\n", Allowed, ""},
	{"9112 9.6 close", get + "Connection: close\r\n\r\n", Served1, ""},
	{"6455 4.1 an upgrade of POST", post + "Connection: Upgrade\r\n" + socket + "13\r\n\r\n", NotOther, ""},
	{"9110 7.8 an upgrade that Connection does not name", get + socket + "13\r\n\r\n", NotOther, ""},
	{"9110 7.8 an upgrade to something unknown", get + "Connection: Upgrade\r\nUpgrade: x/1.0\r\n\r\n", NotOther, ""},
	{"6455 4.4 an upgrade to another version", get + "Connection: Upgrade\r\n" + socket + "99\r\n\r\n", NotOther, ""},
	{"9110 7.8 an upgrade in HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\nConnection: Upgrade\r\n" + socket + "13\r\n\r\n", NotOther, ""},
}

// bothMusts say two things of where the body ends (9112 6.3), with a request in what
// one of them leaves over.
func bothMusts() (all []Probe) {
	inner := "0\r\n\r\n" + behind
	for _, row := range []struct{ rule, length, coding, body string }{
		{"chunks that end first", "5", ": chunked", "0\r\n\r\n"},
		{"chunks that end first, and a byte", "6", ": chunked", "0\r\n\r\nX"},
		{"a length that ends later", "30", ": chunked", "0\r\n\r\nX"},
		{"a request behind the chunks", fmt.Sprint(len(inner)), ": chunked", inner},
		{"a request behind the chunks, a plus", fmt.Sprint("+", len(inner)), ": chunked", inner},
		{"a request behind the chunks, a letter", fmt.Sprint(len(inner), "x"), ": chunked", inner},
		{"a request behind the chunks, a fold", fmt.Sprint(len(inner)), ":\r\n chunked", inner},
		{"a request behind the chunks, a space", fmt.Sprint(len(inner)), ": chunked ", inner},
		{"a request behind the chunks, a comma", fmt.Sprint(len(inner)), ": , chunked", inner},
		{"a request behind the chunks, a capital", fmt.Sprint(len(inner)), ": Chunked", inner},
		{"a request behind the chunks, two fields", fmt.Sprint(len(inner)), ": chunked\r\nTransfer-Encoding: identity", inner},
		{"a request in the first chunk", "4", ": chunked", fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(behind), behind)},
	} {
		all = append(all,
			Probe{"9112 6.3 " + row.rule, post + "Content-Length: " + row.length + "\r\nTransfer-Encoding" + row.coding + "\r\n\r\n" + row.body, Refused1, ""},
			Probe{"9112 6.3 " + row.rule + ", the coding first", post + "Transfer-Encoding" + row.coding + "\r\nContent-Length: " + row.length + "\r\n\r\n" + row.body, Refused1, ""},
		)
	}
	return all
}
