package front

import (
	"bytes"
	"strings"
)

// Field is one header field as sent: Name as the client wrote it, Value
// without the white space around it.
type Field struct{ Name, Value string }

// Head is the head of one request, filled by Parse and to be read only when
// Parse took it. Its strings are parts of one copy of the bytes, so they may
// be kept; Fields is reused by the next Parse.
type Head struct {
	Method  string
	Target  string  // as sent; of an absolute-form the part from the path on, "/" when that is empty
	Minor   int     // of HTTP/1.Minor: 0 or 1, a higher one is read as 1 (RFC 9110 2.5)
	Host    string  // the Host field's value, or the absolute-form's authority; "" only in HTTP/1.0
	Fields  []Field // all of them, in order, Host included
	Text    string  // the head as sent, from its request line to its empty line
	Close   bool    // the connection ends after the answer (RFC 9112 9.3)
	Bodied  bool    // a body follows: Content-Length above 0, or Transfer-Encoding
	Expect  bool    // an Expect field is there; what it asks for is not looked at
	Upgrade bool    // an Upgrade field is there; in HTTP/1.0 it means nothing (RFC 9110 7.8)
}

// Malformed is a head that is refused. Where the next request would begin is
// not known after it, so the connection can't be used further.
type Malformed struct {
	Status int // of the answer
	Why    string
}

func (m *Malformed) Error() string { return m.Why }

const (
	maxFields    = 100     // in one head; 431 above
	typicalCount = 16      // of fields, what browsers and players send: Fields begins with room for these
	maxLine      = 8 << 10 // bytes of a request line without its CRLF (RFC 9112 3 asks for 8000 at least); 414 above
	maxMethod    = 32      // bytes; the longest method that IANA knows has 17. 501 above (RFC 9112 3)
	maxEmpty     = 4       // lines before the request line; RFC 9112 2.2 asks for one
)

// Parse takes one head from the beginning of b. n is how many bytes it takes,
// empty lines before it included, or 0 when more have to come first. limit is
// the longest head in bytes. An error is always a *Malformed, and its text is
// a fixed one: nothing of what the client sent is in it.
//
// The outcome depends on the bytes only, never on how they arrived or on what
// follows the head: b is read from left to right by steps of which each needs
// the one before, and the steps that see an unfinished head (the request line,
// the line ends) come before those that need all of it (the fields).
//
// Nothing is remembered between calls, as one Head may serve many connections,
// so an unfinished head is looked at anew when more of it has come. One look
// costs a walk over the request line (8 KiB at most) and a search for at most
// 101 line ends in limit bytes. BenchmarkHeadByteByByte measures the worst
// client, one that sends 64 KiB by single bytes with an 8 KiB request line: a
// few microseconds a byte, about what the kernel takes to deliver that byte.
func (h *Head) Parse(b []byte, limit int) (n int, err error) {
	*h = Head{Fields: h.Fields[:0]}
	full := len(b) >= limit
	if full {
		b = b[:limit]
	}
	empty, err := emptyLines(b)
	if err != nil {
		return 0, err
	}
	b = b[empty:]
	line, err := readRequestLine(b)
	if err != nil {
		return 0, err
	}
	size := 0
	if line.size > 0 {
		if size, err = findEnd(b, line.size); err != nil {
			return 0, err
		}
	}
	switch {
	case size > 0:
		if err := h.read(string(b[:size]), &line); err != nil {
			return 0, err
		}
		return empty + size, nil
	case full:
		return 0, errHeadTooLong
	}
	return 0, nil
}

// emptyLines counts the bytes of the empty lines that old clients send after
// a body (RFC 9112 2.2).
func emptyLines(b []byte) (int, error) {
	n := 0
	for len(b)-n >= 2 && b[n] == '\r' && b[n+1] == '\n' {
		if n += 2; n > maxEmpty*2 {
			return 0, errEmptyLines
		}
	}
	if len(b)-n == 1 && b[n] == '\r' {
		n++ // half an empty line: of the request line nothing has come
	}
	return n, nil
}

// findEnd finds the empty line that ends the head whose first field line, or
// empty line, begins at from: the head's bytes, 0 when the end has not come.
// As it goes by line ends it also sees a line feed without its carriage return,
// which another reader may take for a line's end (RFC 9112 2.2), and counts.
func findEnd(b []byte, from int) (int, error) {
	for fields := 0; ; fields++ {
		i := bytes.IndexByte(b[from:], '\n')
		switch {
		case i < 0:
			return 0, nil
		case i == 0 || b[from+i-1] != '\r':
			return 0, errBareLF
		case i == 1:
			return from + 2, nil
		case fields == maxFields:
			return 0, errFields
		}
		from += i + 1
	}
}

// read fills the head from its text, which is all there: it ends with the only
// empty line, and each line feed has its carriage return.
func (h *Head) read(text string, line *requestLine) error {
	h.Text = text
	h.Method = text[:line.method]
	h.Target = text[line.target:line.targetEnd]
	h.Minor = line.minor
	if h.Fields == nil {
		h.Fields = make([]Field, 0, typicalCount)
	}
	var seen framing
	for i := line.size; i < len(text)-2; {
		f, next, err := readField(text, i)
		if err != nil {
			return err
		}
		h.Fields = append(h.Fields, f)
		if err := h.notice(f, &seen); err != nil {
			return err
		}
		i = next
	}
	if line.hostEnd > 0 {
		h.Host = text[line.host:line.hostEnd]
		if !strings.HasPrefix(h.Target, "/") {
			h.Target = "/" + h.Target // nothing, or a query
		}
	}
	h.Close = seen.close || h.Minor == 0 && !seen.keepAlive
	return seen.check(h.Minor)
}

// readField reads the field line that begins at i, and tells where the next
// one begins. The text ends with CRLF, which no name and no value has bytes of,
// so that the walks below can't leave it.
func readField(text string, i int) (f Field, next int, err error) {
	colon := i
	for colon < len(text) && classOf[text[colon]]&inToken != 0 {
		colon++
	}
	if colon == i || text[colon] != ':' {
		return f, 0, whyName(text, i, colon)
	}
	from := colon + 1
	for isBlank(text[from]) {
		from++
	}
	end := from
	for end < len(text) && classOf[text[end]]&inValue != 0 {
		end++
	}
	if text[end] != '\r' || text[end+1] != '\n' {
		return f, 0, errValueByte
	}
	next = end + 2
	for end > from && isBlank(text[end-1]) {
		end--
	}
	return Field{Name: text[i:colon], Value: text[from:end]}, next, nil
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// framing is what the fields say about where the request ends, and how often.
type framing struct {
	host, length, coding bool
	close, keepAlive     bool
}

// notice looks at the fields that this server itself has to understand. All
// have names of different length, so that most fields cost one comparison.
func (h *Head) notice(f Field, seen *framing) error {
	switch len(f.Name) {
	case len("host"):
		if isNamed(f.Name, "host") {
			return h.noticeHost(f.Value, seen)
		}
	case len("expect"):
		h.Expect = h.Expect || isNamed(f.Name, "expect")
	case len("upgrade"):
		h.Upgrade = h.Upgrade || isNamed(f.Name, "upgrade")
	case len("connection"):
		if isNamed(f.Name, "connection") {
			seen.noticeConnection(f.Value)
		}
	case len("content-length"):
		if isNamed(f.Name, "content-length") {
			return h.noticeLength(f.Value, seen)
		}
	case len("transfer-encoding"):
		if isNamed(f.Name, "transfer-encoding") {
			return h.noticeCoding(f.Value, seen)
		}
	}
	return nil
}

// isNamed compares a field's name, a token as long as lower, without regard to
// case. With the bit that tells cases apart set, a byte of a token equals a
// small letter or a hyphen only when it is that one.
func isNamed(name, lower string) bool {
	for i := range len(lower) {
		if name[i]|0x20 != lower[i] {
			return false
		}
	}
	return true
}

// noticeConnection is RFC 9110 7.6.1. A list that is malformed is no reason to
// refuse: what is not understood in it names fields that are not looked at.
func (seen *framing) noticeConnection(list string) {
	for more := true; more; {
		var option string
		option, list, more = strings.Cut(list, ",")
		option = strings.Trim(option, " \t")
		seen.close = seen.close || strings.EqualFold(option, "close")
		seen.keepAlive = seen.keepAlive || strings.EqualFold(option, "keep-alive")
	}
}

// check is what only all fields together tell.
func (seen *framing) check(minor int) error {
	switch {
	case !seen.host && minor > 0:
		return errNoHost
	case seen.coding && seen.length:
		return errTwoLengths
	case seen.coding && minor == 0:
		return errOldChunked
	}
	return nil
}

// Get is the first value of a field, "" when there is none; name in any case.
func (h *Head) Get(name string) string {
	for i := range h.Fields {
		if f := &h.Fields[i]; len(f.Name) == len(name) && strings.EqualFold(f.Name, name) {
			return f.Value
		}
	}
	return ""
}

// Count is how many fields of this name there are; name in any case.
func (h *Head) Count(name string) int {
	n := 0
	for i := range h.Fields {
		if f := &h.Fields[i]; len(f.Name) == len(name) && strings.EqualFold(f.Name, name) {
			n++
		}
	}
	return n
}

var _ error = (*Malformed)(nil)
