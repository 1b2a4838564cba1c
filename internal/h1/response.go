package h1

// Line is a header field of an answer, as parts of the bytes that were parsed. The
// name is without the white space that old servers put after it: a proxy has to take
// it away (RFC 9112 5.1).
type Line struct{ Name, Value []byte }

// Response is the head of one answer, filled by Parse and to be read only when
// Parse took it. Its parts are those of the bytes, for as long as these are as they
// were; Fields is reused by the next Parse.
type Response struct {
	Status  int
	Minor   int // of HTTP/1.Minor: 0 or 1, a higher one is read as 1
	Reason  []byte
	Fields  []Line // all of them, in order
	Length  int64  // Content-Length, -1: none
	Chunked bool   // the body comes in chunks
	Close   bool   // the connection ends after the answer (RFC 9112 9.3)
}

// Parse takes one head from the beginning of b. n is how many bytes it takes, or 0
// when more have to come first. An error is always a *Malformed. Interim answers
// (1xx) are heads as well; 101 is an error, since nobody here asks for it.
//
// Two things that RFC 9112 lets a client take are refused: line feeds without a
// carriage return (2.2), and the same length twice (6.3). Two that it forbids are
// taken: a status line without the space before a reason that is not there (4), and
// white space between a name and its colon (5.1, where it is the proxy's to take away).
func (r *Response) Parse(b []byte, limits Limits) (n int, err error) {
	*r = Response{Fields: r.Fields[:0], Length: -1}
	full := len(b) >= limits.Head
	if full {
		b = b[:limits.Head]
	}
	line, err := r.readStatusLine(b)
	if err != nil {
		return 0, err
	}
	size := 0
	if line > 0 {
		if size, err = findEnd(b, line, limits.Fields); err != nil {
			return 0, err
		}
	}
	switch {
	case size > 0:
		if err := r.read(b[:size], line); err != nil {
			return 0, err
		}
		return size, nil
	case full:
		return 0, errHeadTooLong
	}
	return 0, nil
}

const statusForm = "HTTP/1.0 000" // a 0 is any digit

// readStatusLine refuses what can't become a status line at its first wrong byte; 0
// bytes: the line is not all there.
func (r *Response) readStatusLine(b []byte) (size int, err error) {
	for i := range min(len(b), len(statusForm)) {
		digit := statusForm[i] == '0' && b[i] >= '0' && b[i] <= '9'
		if !digit && b[i] != statusForm[i] {
			return 0, errStatusLine
		}
	}
	if len(b) <= len(statusForm) {
		return 0, nil
	}
	r.Minor = min(int(b[7]-'0'), 1)
	r.Status = int(b[9]-'0')*100 + int(b[10]-'0')*10 + int(b[11]-'0')
	switch {
	case r.Status < 100: // RFC 9110 15 has none above 599 either, but a proxy has nothing to understand of them
		return 0, errStatus
	case r.Status == 101:
		return 0, errSwitched
	}
	i := len(statusForm)
	if b[i] == ' ' {
		i++
		for i < len(b) && classOf[b[i]]&inValue != 0 {
			i++
		}
		r.Reason = b[len(statusForm)+1 : i]
	}
	switch {
	case i == len(b), i+1 == len(b) && b[i] == '\r':
		return 0, nil
	case b[i] != '\r' || b[i+1] != '\n':
		return 0, errStatusLine
	}
	return i + len(crlf), nil
}

// read fills the fields from a head that is all there.
func (r *Response) read(b []byte, from int) error {
	if r.Fields == nil {
		r.Fields = make([]Line, 0, typicalCount)
	}
	seen := framing{length: -1}
	for i := from; i < len(b)-len(crlf); {
		at, err := readField(b, i)
		if err == errNameBlank {
			at, err = readSpacedField(b, i)
		}
		if err != nil {
			return err
		}
		f := Line{Name: b[at.name:at.nameEnd], Value: b[at.value:at.valueEnd]}
		r.Fields = append(r.Fields, f)
		if err := notice(f.Name, f.Value, &seen); err != nil {
			return err
		}
		i = at.next
	}
	r.Close, r.Length, r.Chunked = seen.closes(r.Minor), seen.length, seen.chunked
	return seen.check(r.Minor)
}

// readSpacedField reads a field line whose name is followed by white space.
func readSpacedField(b []byte, i int) (at fieldAt, err error) {
	colon := i
	for classOf[b[colon]]&inToken != 0 {
		colon++
	}
	end := colon
	for isBlank(b[colon]) {
		colon++
	}
	if b[colon] != ':' {
		return at, errNameByte
	}
	at, ok := readValue(b, colon+1)
	if !ok {
		return at, errValueByte
	}
	at.name, at.nameEnd = i, end
	return at, nil
}

// Interim tells that another head follows (RFC 9110 15.2).
func (r *Response) Interim() bool { return r.Status < 200 }

// Bodiless tells whether the answer to a request with this method ends with its head,
// whatever its fields say (RFC 9112 6.3).
func (r *Response) Bodiless(method string) bool {
	return method == "HEAD" || r.Interim() || r.Status == 204 || r.Status == 304
}

// Body finds the end of the body of the answer to a request with this method.
func (r *Response) Body(method string) Body {
	switch {
	case r.Bodiless(method):
		return Body{ended: true}
	case !r.Chunked && r.Length < 0:
		return Body{open: true}
	}
	return bodyOf(r.Length, r.Chunked)
}

// Get is the first value of a field, nil when there is none; name in small letters.
func (r *Response) Get(name string) []byte {
	for i := range r.Fields {
		if Is(r.Fields[i].Name, name) {
			return r.Fields[i].Value
		}
	}
	return nil
}
