package h1test

import (
	"slices"
	"strings"
)

// Player is what a browser's player sends for a segment: 12 fields.
const Player = "GET /live/news/720p/segment-184467.m4s?session=7f3a HTTP/1.1\r\n" +
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

// Head is a request's head, or the beginning of one, that is refused with this status.
type Head struct {
	Rule   string // RFC and section; "own" where we are stricter
	Status int
	Text   string
}

const maxMethod = 32

// BadHeads are refused at their last byte, by a reader with these limits: the bytes of a
// head and of a request line, and fields. Those whose line ends early are refused before
// more has come: a client that speaks something else does not send a head's end.
func BadHeads(head, line, fields int) []Head {
	return append(slices.Clip(badHeads),
		Head{"9112 3 request line too long", 414, "GET /" + strings.Repeat("a", line-13) + " HTTP/1.1\r"},
		Head{"own: too many fields", 431, "GET / HTTP/1.1\r\n" + strings.Repeat("X:1\r\n", fields+1)},
		Head{"9112 3 head too long", 431, "GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", head-28)},
	)
}

var badHeads = []Head{
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
}
