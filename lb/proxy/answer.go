package proxy

import (
	"bytes"
	"errors"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
)

// errGarbage is returned for bytes that are no HTTP/1.1 answer.
var errGarbage = errors.New("not an HTTP answer")

// answerHead is the head of an edge's answer, parsed.
type answerHead struct {
	status  int
	header  http.Header
	length  int64 // Content-Length, -1: none
	chunked bool
	close   bool // the connection is not used again
}

var headEnd = []byte("\r\n\r\n")

// takeHead takes a head out of the buffer; nil, nil when it is not all there.
// It is stricter than RFC 9112 asks: an edge has no reason to send bare line
// feeds, folded lines, two lengths or an HTTP/1.0 answer.
func takeHead(u *upstream) (*answerHead, error) {
	b := u.buffered()
	if len(b) < len(headEnd) {
		return nil, startsLikeHTTP(b)
	}
	if err := startsLikeHTTP(b); err != nil {
		return nil, err
	}
	end := bytes.Index(b, headEnd)
	if end < 0 {
		if len(b) >= maxHead {
			return nil, errGarbage
		}
		return nil, nil
	}
	text := string(b[:end]) // the fields' values are parts of this one string
	u.use(end + len(headEnd))
	return parseHead(text)
}

func startsLikeHTTP(b []byte) error {
	const begin = "HTTP/1.1 "
	n := min(len(b), len(begin))
	if string(b[:n]) != begin[:n] {
		return errGarbage
	}
	return nil
}

func parseHead(text string) (*answerHead, error) {
	line, rest, _ := strings.Cut(text, "\r\n")
	if len(line) < 12 || len(line) > 12 && line[12] != ' ' {
		return nil, errGarbage
	}
	status, err := strconv.Atoi(line[9:12])
	if err != nil || status < 100 || status > 599 || status == http.StatusSwitchingProtocols {
		return nil, errGarbage
	}
	fields := strings.Count(rest, "\r\n") + 1
	h := &answerHead{status: status, length: -1, header: make(http.Header, fields)}
	values := make([]string, 0, fields) // the slices of one value are parts of this one
	for rest != "" {
		line, rest, _ = strings.Cut(rest, "\r\n")
		name, value, ok := strings.Cut(line, ":")
		if !ok || !isToken(name) {
			return nil, errGarbage
		}
		value = strings.Trim(value, " \t")
		if !isFieldValue(value) {
			return nil, errGarbage
		}
		key := textproto.CanonicalMIMEHeaderKey(name)
		if h.header[key] == nil {
			values = append(values, value)
			h.header[key] = values[len(values)-1 : len(values) : len(values)]
		} else {
			h.header[key] = append(h.header[key], value)
		}
	}
	return h, h.frame()
}

// frame finds out where the body ends.
func (h *answerHead) frame() error {
	for _, value := range h.header["Connection"] {
		h.close = h.close || strings.EqualFold(value, "close")
	}
	if te := h.header["Transfer-Encoding"]; te != nil {
		if len(te) != 1 || !strings.EqualFold(te[0], "chunked") || h.header["Content-Length"] != nil {
			return errGarbage
		}
		h.chunked = true
		return nil
	}
	if length := h.header["Content-Length"]; length != nil {
		n, ok := digits(length[0])
		if len(length) != 1 || !ok {
			return errGarbage
		}
		h.length = n
	}
	return nil
}

// bodied tells whether bytes may follow the head.
func (h *answerHead) bodied(method string) bool {
	return method != http.MethodHead && h.status >= 200 && h.status != http.StatusNoContent && h.status != http.StatusNotModified
}

// etag is the strong validator, "" when there is none.
func (h *answerHead) etag() string {
	if tag := h.header.Get("Etag"); len(tag) >= 2 && tag[0] == '"' && tag[len(tag)-1] == '"' {
		return tag
	}
	return ""
}

// digits reads a number of bytes: digits only, unlike ParseInt.
func digits(s string) (int64, bool) {
	if s == "" || len(s) > 18 {
		return 0, false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}

func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return s != ""
}

func isFieldValue(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
