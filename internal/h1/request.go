package h1

import "strings"

// Field is one header field as sent: Name as the client wrote it, Value
// without the white space around it.
type Field struct{ Name, Value string }

// Request is the head of one request, filled by Parse and to be read only when
// Parse took it. Its strings are parts of one copy of the bytes, so they may
// be kept; Fields is reused by the next Parse.
type Request struct {
	Method  string
	Target  string  // as sent; of an absolute-form the part from the path on, "/" when that is empty
	Minor   int     // of HTTP/1.Minor: 0 or 1, a higher one is read as 1 (RFC 9110 2.5)
	Host    string  // the Host field's value, or the absolute-form's authority; "" only in HTTP/1.0
	Fields  []Field // all of them, in order, Host included
	Text    string  // the head as sent, from its request line to its empty line
	Close   bool    // the connection ends after the answer (RFC 9112 9.3)
	Length  int64   // Content-Length, -1: none
	Chunked bool    // the body comes in chunks
	Expect  string  // of the last Expect field
}

// Parse takes one head from the beginning of b. n is how many bytes it takes,
// empty lines before it included, or 0 when more have to come first. An error is
// always a *Malformed.
//
// b is read from left to right by steps of which each needs the one before, and the
// steps that see an unfinished head (the request line, the line ends) come before
// those that need all of it (the fields); so the outcome is the same however the
// bytes arrive.
//
// Nothing is remembered between calls, as one Request may serve many connections,
// so an unfinished head is looked at anew when more of it has come. One look
// costs a walk over the request line and a search for at most Limits.Fields line
// ends in Limits.Head bytes. BenchmarkRequestByteByByte measures the worst
// client, one that sends by single bytes: a few microseconds a byte, about what the
// kernel takes to deliver that byte.
func (r *Request) Parse(b []byte, limits Limits) (n int, err error) {
	*r = Request{Fields: r.Fields[:0], Length: -1}
	full := len(b) >= limits.Head
	if full {
		b = b[:limits.Head]
	}
	empty, err := emptyLines(b)
	if err != nil {
		return 0, err
	}
	b = b[empty:]
	line, err := readRequestLine(b, limits.Line)
	if err != nil {
		return 0, err
	}
	size := 0
	if line.size > 0 {
		if size, err = findEnd(b, line.size, limits.Fields); err != nil {
			return 0, err
		}
	}
	switch {
	case size > 0:
		if err := r.read(string(b[:size]), &line); err != nil {
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

// read fills the head from its text, which is all there: it ends with the only
// empty line, and each line feed has its carriage return.
func (r *Request) read(text string, line *requestLine) error {
	r.Text = text
	r.Method = text[:line.method]
	r.Target = text[line.target:line.targetEnd]
	r.Minor = line.minor
	if r.Fields == nil {
		r.Fields = make([]Field, 0, typicalCount)
	}
	seen := framing{length: -1}
	for i := line.size; i < len(text)-len(crlf); {
		at, err := readField(text, i)
		if err != nil {
			return err
		}
		f := Field{Name: text[at.name:at.nameEnd], Value: text[at.value:at.valueEnd]}
		r.Fields = append(r.Fields, f)
		if err := r.notice(f, &seen); err != nil {
			return err
		}
		i = at.next
	}
	if line.hostEnd > 0 {
		r.Host = text[line.host:line.hostEnd]
		if !strings.HasPrefix(r.Target, "/") {
			r.Target = "/" + r.Target // nothing, or a query
		}
	}
	r.Close, r.Length, r.Chunked = seen.closes(r.Minor), seen.length, seen.chunked
	if !seen.host && r.Minor > 0 {
		return errNoHost
	}
	return seen.check(r.Minor)
}

// notice looks at the fields that a server itself has to understand.
func (r *Request) notice(f Field, seen *framing) error {
	switch len(f.Name) {
	case len("host"):
		if Is(f.Name, "host") {
			return r.noticeHost(f.Value, seen)
		}
	case len("expect"):
		if Is(f.Name, "expect") {
			r.Expect = f.Value
		}
	default:
		return notice(f.Name, f.Value, seen)
	}
	return nil
}

// noticeHost is RFC 9112 3.2.
func (r *Request) noticeHost(value string, seen *framing) error {
	if seen.host {
		return errHosts
	}
	if !isAuthority(value) {
		return errHostValue
	}
	seen.host = true
	r.Host = value
	return nil
}

// Bodied tells whether bytes of a body follow.
func (r *Request) Bodied() bool { return r.Chunked || r.Length > 0 }

// Body finds the body's end.
func (r *Request) Body() Body { return bodyOf(r.Length, r.Chunked) }

// Get is the first value of a field, "" when there is none; name in any case.
func (r *Request) Get(name string) string {
	for i := range r.Fields {
		if f := &r.Fields[i]; len(f.Name) == len(name) && strings.EqualFold(f.Name, name) {
			return f.Value
		}
	}
	return ""
}

// Values are all values of a field, nil when there is none; name in any case.
func (r *Request) Values(name string) (all []string) {
	for i := range r.Fields {
		if f := &r.Fields[i]; len(f.Name) == len(name) && strings.EqualFold(f.Name, name) {
			all = append(all, f.Value)
		}
	}
	return all
}

// Count is how many fields of this name there are; name in any case.
func (r *Request) Count(name string) int {
	n := 0
	for i := range r.Fields {
		if f := &r.Fields[i]; len(f.Name) == len(name) && strings.EqualFold(f.Name, name) {
			n++
		}
	}
	return n
}
