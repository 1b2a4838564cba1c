package upstream

import (
	"bytes"
	"io"
)

// chunks follows a body in chunks (RFC 9112 section 7.1) as it is read from an origin,
// and makes of two things what net/http reads rightly. White space before a chunk's
// extensions, which section 7.1.1 lets an origin send, and a recipient has to take,
// becomes the beginning of one. And a body whose last chunk has come is whole (section 8),
// though the connection ends before the empty line behind it.
type chunks struct {
	at   chunkPart
	size int64 // of the chunk whose line is read; then what is left of it, its CRLF included
	line int   // bytes of the line in hand, without a carriage return
}

type chunkPart uint8

const (
	noChunk   chunkPart = iota // no such body, or its end, or what is none
	chunkSize                  // a chunk's line, up to its extensions
	chunkExt                   // the rest of that
	chunkData
	trailer // behind the last chunk
)

// maxChunk is the size in bytes beyond which a chunk is left to net/http to refuse.
const maxChunk = 1 << 54

// begin looks at the head of an answer.
func (c *chunks) begin(head []byte) {
	*c = chunks{}
	for line := range bytes.SplitSeq(head, []byte("\n")) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		if n := len(value) - len("chunked"); bytes.EqualFold(name, []byte(coding)) && n >= 0 && bytes.EqualFold(value[n:], []byte("chunked")) {
			c.at = chunkSize
		}
	}
}

// follow reads what comes behind the head.
func (c *chunks) follow(b []byte) {
	for i := 0; i < len(b) && c.at != noChunk; i++ {
		switch c.at {
		case chunkData:
			n := min(c.size, int64(len(b)-i))
			i += int(n) - 1
			if c.size -= n; c.size == 0 {
				*c = chunks{at: chunkSize}
			}
		case trailer:
			c.ofTrailer(b[i])
		default:
			b[i] = c.ofLine(b[i])
		}
	}
}

// ofLine takes a byte of a chunk's line, and gives what stands in its place.
func (c *chunks) ofLine(b byte) byte {
	switch {
	case b == '\n' && c.line > 0:
		c.line, c.at = 0, chunkData
		if c.size += int64(len("\r\n")); c.size == int64(len("\r\n")) {
			c.at = trailer
		}
	case b == '\r' || c.at == chunkExt:
	case (b == ' ' || b == '\t') && c.line > 0:
		c.at = chunkExt
		return ';'
	case b == ';' && c.line > 0:
		c.at = chunkExt
	default:
		v := bytes.IndexByte([]byte("0123456789abcdef"), b|0x20)
		if v < 0 || c.size > maxChunk {
			c.at = noChunk
		}
		c.size, c.line = c.size<<4|int64(v), c.line+1
	}
	return b
}

func (c *chunks) ofTrailer(b byte) {
	switch {
	case b == '\n' && c.line == 0:
		c.at = noChunk
	case b == '\n':
		c.line = 0
	case b != '\r':
		c.line++
	}
}

// lacks is what is not there of a whole body when its connection ends so.
func (c *chunks) lacks(err error) []byte {
	if err != io.EOF || c.at != trailer {
		return nil
	}
	*c = chunks{}
	return []byte("\r\n")
}
