package h1

import "bytes"

var crlf = []byte("\r\n")

// findEnd finds the empty line that ends the head whose first field line, or
// empty line, begins at from: the head's bytes, 0 when the end has not come.
// As it goes by line ends it also sees a line feed without its carriage return,
// which another reader may take for a line's end (RFC 9112 2.2), and counts.
func findEnd(b []byte, from, most int) (int, error) {
	for fields := 0; ; fields++ {
		i := bytes.IndexByte(b[from:], '\n')
		switch {
		case i < 0:
			return 0, nil
		case i == 0 || b[from+i-1] != '\r':
			return 0, errBareLF
		case i == 1:
			return from + 2, nil
		case fields == most:
			return 0, errFields
		}
		from += i + 1
	}
}

// fieldAt is where a field's name and its value are, and where the next line begins.
type fieldAt struct{ name, nameEnd, value, valueEnd, next int }

// readField reads the field line that begins at i. The text ends with CRLF, which no
// name and no value has bytes of, so that the walks below can't leave it.
func readField[T string | []byte](text T, i int) (at fieldAt, err error) {
	colon := i
	for colon < len(text) && classOf[text[colon]]&inToken != 0 {
		colon++
	}
	if colon == i || text[colon] != ':' {
		return at, whyName(text, i, colon)
	}
	at, ok := readValue(text, colon+1)
	if !ok {
		return at, errValueByte
	}
	at.name, at.nameEnd = i, colon
	return at, nil
}

// readValue reads a field's value and its line's end.
func readValue[T string | []byte](text T, from int) (at fieldAt, ok bool) {
	for isBlank(text[from]) {
		from++
	}
	end := from
	for end < len(text) && classOf[text[end]]&inValue != 0 {
		end++
	}
	if text[end] != '\r' || text[end+1] != '\n' {
		return at, false
	}
	at.next = end + len(crlf)
	for end > from && isBlank(text[end-1]) {
		end--
	}
	at.value, at.valueEnd = from, end
	return at, true
}

// whyName says what is wrong with a field line that begins at i and whose name
// stops at stop.
func whyName[T string | []byte](text T, i, stop int) error {
	switch {
	case stop == i && isBlank(text[i]):
		return errFold
	case stop == i && text[i] == ':':
		return errNameEmpty
	case isBlank(text[stop]):
		return errNameBlank
	}
	return errNameByte
}

// framing is what the fields say about where a message ends, and how often.
type framing struct {
	host, coding, chunked bool
	close, keepAlive      bool
	length                int64 // -1: none
}

// notice looks at the fields that both sides have to understand. Their names are of
// different length, so that most fields cost one comparison.
func notice[T string | []byte](name, value T, seen *framing) error {
	switch len(name) {
	case len("connection"):
		if Is(name, "connection") {
			noticeConnection(value, seen)
		}
	case len("content-length"):
		if Is(name, "content-length") {
			return noticeLength(value, seen)
		}
	case len("transfer-encoding"):
		if Is(name, "transfer-encoding") {
			return noticeCoding(value, seen)
		}
	}
	return nil
}

// noticeConnection is RFC 9110 7.6.1. A list that is malformed is no reason to
// refuse: what is not understood in it names fields that are not looked at.
func noticeConnection[T string | []byte](list T, seen *framing) {
	for more := true; more; {
		var option T
		option, list, more = cut(list, ',')
		option = trimmed(option)
		seen.close = seen.close || Is(option, "close")
		seen.keepAlive = seen.keepAlive || Is(option, "keep-alive")
	}
}

// noticeLength is RFC 9112 6.3. That it lets a recipient take the same number
// twice is not used: nobody has a reason to send it but a smuggler.
func noticeLength[T string | []byte](value T, seen *framing) error {
	if seen.length >= 0 {
		return errLengths
	}
	n, ok := Number(value)
	if !ok {
		return errLengthValue
	}
	seen.length = n
	return nil
}

// noticeCoding is RFC 9112 6.1 and 6.3: without chunked as the last coding
// nobody can tell where a request's body ends, which has to be 400; a coding before
// it is only one that is not implemented. An empty member of the list, which RFC
// 9110 5.6.1 has a reader skip, counts as a coding here: nobody sends one.
func noticeCoding[T string | []byte](value T, seen *framing) error {
	if seen.coding {
		return errCodings
	}
	seen.coding = true
	if Is(value, "chunked") {
		seen.chunked = true
		return nil
	}
	for first := true; ; first = false {
		coding, rest, more := cut(value, ',')
		switch {
		case !more && first, !more && !Is(trimmed(coding), "chunked"):
			return errNotChunked
		case !more:
			return errCoding
		case Is(trimmed(coding), "chunked"):
			return errNotChunked
		}
		value = rest
	}
}

// check is what only all fields together tell.
func (seen *framing) check(minor int) error {
	switch {
	case seen.coding && seen.length >= 0:
		return errTwoLengths
	case seen.coding && minor == 0:
		return errOldChunked
	}
	return nil
}

// closes is RFC 9112 9.3.
func (seen *framing) closes(minor int) bool {
	return seen.close || minor == 0 && !seen.keepAlive
}
