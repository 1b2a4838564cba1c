package streams

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"tandem/internal/h1"
)

// Heads of answers by HPACK (RFC 7541): each field a literal that enters no table (section
// 6.2.2), its name by the static table where that has it (appendix A). HAProxy does so as
// well: a few bytes more, and nothing to look up or to keep in step.

const noTable = 0x20 // section 6.3: a table of no bytes

// statuses and names are places in the static table.
var (
	statuses = map[int]byte{200: 8, 204: 9, 206: 10, 304: 11, 400: 12, 404: 13, 500: 14}

	names = map[string]int{
		"Accept-Ranges": 18, "Access-Control-Allow-Origin": 20, "Age": 21, "Allow": 22, "Cache-Control": 24, "Content-Disposition": 25, "Content-Encoding": 26,
		"Content-Language": 27, "Content-Length": 28, "Content-Location": 29, "Content-Range": 30, "Content-Type": 31, "Date": 33, "Etag": 34, "Expires": 36,
		"Last-Modified": 44, "Link": 45, "Location": 46, "Retry-After": 53, "Server": 54, "Set-Cookie": 55, "Strict-Transport-Security": 56, "Vary": 59, "Via": 60,
		"Www-Authenticate": 61,
	}
)

const statusName = 8 // :status, with any value

func appendStatus(b []byte, status int) []byte {
	if at, ok := statuses[status]; ok {
		return append(b, 0x80|at)
	}
	return append(append(b, statusName, 3), strconv.Itoa(status)...)
}

// appendInt is section 5.1's, with a prefix of so many bits below those of first.
func appendInt(b []byte, first byte, bits, n int) []byte {
	most := 1<<bits - 1
	if n < most {
		return append(b, first|byte(n))
	}
	b = append(b, first|byte(most))
	for n -= most; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(b, byte(n))
}

func appendField(b []byte, name, value string) []byte {
	if at, ok := names[name]; ok {
		b = appendInt(b, 0, 4, at)
	} else {
		b = appendInt(append(b, 0), 0, 7, len(name))
		for i := range len(name) {
			c := name[i]
			if 'A' <= c && c <= 'Z' {
				c |= 0x20
			}
			b = append(b, c)
		}
	}
	return append(appendInt(b, 0, 7, len(value)), value...)
}

// appendHead is an answer's. Of its fields those are left out that are a connection's
// (RFC 9113 section 8.2.2), or no fields.
func appendHead(b []byte, status int, h http.Header, length int64) []byte {
	b = appendStatus(b, status)
	for name, values := range h {
		switch name {
		case "Connection", "Proxy-Connection", "Keep-Alive", "Transfer-Encoding", "Upgrade", "Content-Length":
			continue
		}
		if !h1.IsToken(name) {
			continue
		}
		for _, v := range values {
			b = appendField(b, name, clean(v))
		}
	}
	if length >= 0 {
		b = appendLength(b, length)
	}
	if _, said := h["Date"]; !said && status >= 200 {
		b = appendInt(appendInt(b, 0, 4, names["Date"]), 0, 7, len(http.TimeFormat))
		b = time.Now().UTC().AppendFormat(b, http.TimeFormat)
	}
	return b
}

func appendLength(b []byte, length int64) []byte {
	var digits [20]byte
	text := strconv.AppendInt(digits[:0], length, 10)
	return append(appendInt(appendInt(b, 0, 4, names["Content-Length"]), 0, 7, len(text)), text...)
}

// clean is what a field may have as its value.
func clean(v string) string {
	if h1.IsValue(v) && (v == "" || v[0] > ' ' && v[len(v)-1] > ' ') {
		return v
	}
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r == 0x7f {
			return ' '
		}
		return r
	}, v))
}
