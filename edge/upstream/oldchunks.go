package upstream

import (
	"bytes"
	"net"
	"sync/atomic"
)

// oldChunks is a connection to an origin that may answer by HTTP/1.0 with
// Transfer-Encoding. The body is chunked all the same, and nginx and Varnish read it
// so; net/http does not look at that field of such an answer and would give the
// chunks' lines to viewers. Its framing is faulty (RFC 9112 section 6.1): the
// connection ends with it.
type oldChunks struct {
	net.Conn
	asked atomic.Bool // a request was written, and nothing was read since

	// Of the head in hand; owned by whoever reads.
	head []byte // read from the origin, not handed on yet
	held bool   // more of it is waited for
	err  error  // with which reading it ended

	body chunks // owned by whoever reads
}

// maxOldHead is how long a head is looked at, in bytes; a longer one goes on as it is.
const maxOldHead = 16 << 10

const oldVersion = "HTTP/1.0 "

// reading is a connection that was made, with that.
func reading(c net.Conn, err error) (net.Conn, error) {
	if err != nil {
		return nil, err
	}
	return &oldChunks{Conn: c}, nil
}

// Write is a net.Conn's. What an answer belongs to begins with its method.
func (c *oldChunks) Write(p []byte) (int, error) {
	if bytes.HasPrefix(p, []byte("GET ")) || bytes.HasPrefix(p, []byte("HEAD ")) {
		c.asked.Store(true)
	}
	return c.Conn.Write(p)
}

// Read is a net.Conn's.
func (c *oldChunks) Read(p []byte) (int, error) {
	if len(c.head) == 0 && c.err == nil {
		n, err := c.Conn.Read(p)
		if n == 0 {
			if n = copy(p, c.body.lacks(err)); n > 0 {
				err = nil // it comes again
			}
			return n, err
		}
		if !c.asked.Swap(false) {
			c.body.follow(p[:n])
			return n, err
		}
		if end := headEnd(p[:n]); !mayBeOld(p[:n]) && end >= 0 {
			c.headed(p[:n], end)
			return n, err
		}
		c.head, c.err, c.held = append(c.head, p[:n]...), err, true
	}
	if c.held {
		c.gather()
	}
	if len(c.head) == 0 {
		err := c.err
		c.err = nil
		return 0, err
	}
	n := copy(p, c.head)
	c.head = c.head[n:]
	return n, nil
}

// gather reads the rest of a head, and makes of it what net/http reads rightly.
func (c *oldChunks) gather() {
	c.held = false
	buffer := make([]byte, 4096)
	for c.err == nil && len(c.head) < maxOldHead && headEnd(c.head) < 0 {
		var n int
		n, c.err = c.Conn.Read(buffer)
		c.head = append(c.head, buffer[:n]...)
	}
	end := headEnd(c.head)
	if end >= 0 {
		c.headed(c.head, end)
		c.head = append(c.head, c.body.lacks(c.err)...)
	}
	if end < 0 || !bytes.HasPrefix(c.head, []byte(oldVersion)) || !bytes.Contains(bytes.ToLower(c.head[:end]), []byte("\ntransfer-encoding:")) {
		return
	}
	rest := c.head[len(oldVersion):]
	c.head = append([]byte("HTTP/1.1 "), rest[:end-len(oldVersion)]...)
	c.head = append(append(c.head, "Connection: close\r\n"...), rest[end-len(oldVersion):]...)
}

// headed looks at what was read of an answer, a whole head first.
func (c *oldChunks) headed(b []byte, end int) {
	tidy(b[:end])
	c.body.begin(b[:end])
	c.body.follow(b[end+bytes.IndexByte(b[end:], '\n')+1:])
}

// mayBeOld tells whether an answer that begins so may be of HTTP/1.0.
func mayBeOld(b []byte) bool {
	n := min(len(b), len(oldVersion))
	return string(b[:n]) == oldVersion[:n]
}

// tidy makes of a head what net/http reads rightly, at the same length: a line that has no
// colon, and so is no field, is taken out, as nginx does; white space before a
// colon is taken out (RFC 9112 section 5.1); of a Content-Length's members that are all the
// same one is left, which a recipient may take for one (section 6.3; net/http refuses the list,
// and others stay, and are refused); and the transfer coding "identity", which is none
// (RFC 9112 section 7 has it no more), is called a field that goes nowhere.
func tidy(head []byte) {
	for at := bytes.IndexByte(head, '\n') + 1; at > 0; {
		line, _, ended := bytes.Cut(head[at:], []byte("\n"))
		for ended && len(line) > 0 && line[0] != ' ' && line[0] != '\t' && bytes.IndexByte(line, ':') < 0 {
			dropLine(head, at, len(line)+1)
			line, _, ended = bytes.Cut(head[at:], []byte("\n"))
		}
		if colon := bytes.IndexByte(line, ':'); colon > 0 && line[0] != ' ' && line[0] != '\t' {
			name := bytes.TrimRight(line[:colon], " \t")
			if line[len(name)] != ':' {
				line[colon], line[len(name)] = ' ', ':'
			}
			switch value := line[len(name)+1:]; {
			case bytes.EqualFold(name, []byte("Content-Length")):
				keepOne(value)
			case bytes.EqualFold(name, []byte(coding)) && bytes.EqualFold(bytes.TrimSpace(value), []byte("identity")):
				copy(name, nowhere)
			}
		}
		next := bytes.IndexByte(head[at:], '\n')
		if next < 0 {
			return
		}
		at += next + 1
	}
}

// dropLine takes the line of n bytes out that begins at a place of a head, which ends with a
// line's end: what is too much then is white space before that.
func dropLine(head []byte, at, n int) {
	copy(head[at:], head[at+n:])
	eol := len("\n")
	if bytes.HasSuffix(head, []byte("\r\n")) {
		eol++
	}
	copy(head[len(head)-eol:], "\r\n"[2-eol:])
	for i := len(head) - eol - n; i < len(head)-eol; i++ {
		head[i] = ' '
	}
}

// A field, and one of the same length of those that are the cluster's own.
const (
	coding  = "Transfer-Encoding"
	nowhere = "Tandem-No-Coding-"
)

// keepOne blanks all but the first of a list's members, if all are the same.
func keepOne(value []byte) {
	first, rest, list := bytes.Cut(value, []byte(","))
	if !list {
		return
	}
	for member := range bytes.SplitSeq(rest, []byte(",")) {
		if !bytes.Equal(bytes.TrimSpace(member), bytes.TrimSpace(first)) {
			return
		}
	}
	for i := len(first); i < len(value); i++ {
		if value[i] != '\r' {
			value[i] = ' '
		}
	}
}

// headEnd is where the empty line behind a head begins, negative: not yet.
func headEnd(b []byte) int {
	for at := 0; ; {
		n := bytes.IndexByte(b[at:], '\n')
		if n < 0 {
			return -1
		}
		at += n + 1
		if rest := b[at:]; bytes.HasPrefix(rest, []byte("\r\n")) || bytes.HasPrefix(rest, []byte("\n")) {
			return at
		}
	}
}

var _ net.Conn = (*oldChunks)(nil)
