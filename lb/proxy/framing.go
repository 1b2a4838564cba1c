package proxy

import (
	"bytes"
	"errors"
	"strconv"
)

// errLength is returned for a body that is longer or shorter than was said.
var errLength = errors.New("wrong length")

// bodyFrame finds the bytes of a body among those of its connection. It keeps
// no bytes itself and takes framing only when it is whole, so a wait between
// any two bytes can be taken up again.
type bodyFrame struct {
	chunked bool
	left    int64 // of the body, or of the chunk
	stage   chunkStage
	ended   bool
}

type chunkStage uint8

const (
	chunkSize chunkStage = iota
	chunkBytes
	chunkEnd
	chunkTrailer
)

// maxChunkLine bounds a size line with its extensions, and a trailer, in bytes.
const maxChunkLine = 4096

func newBodyFrame(h *answerHead, method string) bodyFrame {
	switch {
	case !h.bodied(method) || !h.chunked && h.length <= 0:
		return bodyFrame{ended: true}
	case h.chunked:
		return bodyFrame{chunked: true}
	default:
		return bodyFrame{left: h.length}
	}
}

// next returns bytes of the body that lie in the buffer, none when more have to
// come first or the body has ended. They count once used.
func (f *bodyFrame) next(u *upstream) ([]byte, error) {
	for !f.ended {
		b := u.buffered()
		if !f.chunked || f.stage == chunkBytes {
			if int64(len(b)) > f.left {
				b = b[:f.left]
			}
			return b, nil
		}
		line, ok, err := takeLine(u)
		if !ok || err != nil {
			return nil, err
		}
		if err := f.framing(line); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// used tells that n bytes of the body were taken.
func (f *bodyFrame) used(n int64) {
	if f.left -= n; f.left > 0 {
		return
	}
	if f.chunked {
		f.stage = chunkEnd
	} else {
		f.ended = true
	}
}

func (f *bodyFrame) framing(line []byte) error {
	switch f.stage {
	case chunkSize:
		size, _, _ := bytes.Cut(line, []byte(";"))
		size = bytes.TrimRight(size, " \t")
		n, err := strconv.ParseUint(string(size), 16, 62)
		if err != nil || size[0] == '+' || bytes.IndexByte(size, '_') >= 0 {
			return errGarbage
		}
		f.left, f.stage = int64(n), chunkBytes
		if n == 0 {
			f.stage = chunkTrailer
		}
	case chunkEnd:
		if len(line) != 0 {
			return errGarbage
		}
		f.stage = chunkSize
	default: // trailers are not passed on
		f.ended = len(line) == 0
	}
	return nil
}

// takeLine takes a line without its end out of the buffer.
func takeLine(u *upstream) (line []byte, ok bool, err error) {
	b := u.buffered()
	i := bytes.IndexByte(b, '\n')
	if i < 0 || i > maxChunkLine {
		if len(b) > maxChunkLine {
			return nil, false, errGarbage
		}
		return nil, false, nil
	}
	if i == 0 || b[i-1] != '\r' {
		return nil, false, errGarbage
	}
	u.use(i + 1)
	return b[:i-1], true, nil
}
