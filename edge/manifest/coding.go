package manifest

import (
	"bytes"
	"compress/flate"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"tandem/internal/media"
)

// decoded is a body without its Content-Encoding, which may be several; what
// becomes larger than limit is given up.
func decoded(encoding string, body []byte, limit int64) ([]byte, error) {
	codings := strings.Split(encoding, ",")
	if len(codings) > maxCodings {
		return nil, fmt.Errorf("%w: %d encodings", ErrNone, len(codings))
	}
	for i := len(codings) - 1; i >= 0; i-- { // the last one is the outermost (RFC 9110 section 8.4)
		coding := strings.ToLower(strings.TrimSpace(codings[i]))
		if !encodes(coding, body) {
			continue
		}
		size := int64(0)
		if limit > large { // what it would become is counted before it is held
			n, err := decode(io.Discard, coding, body, limit)
			if err != nil {
				return nil, err
			}
			size = n + bytes.MinRead
		}
		out := bytes.NewBuffer(make([]byte, 0, size))
		if _, err := decode(out, coding, body, limit); err != nil {
			return nil, err
		}
		body = out.Bytes()
	}
	return body, nil
}

// decode writes a body without one encoding; what is larger than limit is an error.
func decode(to io.Writer, coding string, body []byte, limit int64) (int64, error) {
	r, err := decoder(coding, body, limit)
	if err != nil {
		return 0, fmt.Errorf("%w: %s: %w", ErrNone, coding, err)
	}
	n, err := io.Copy(to, io.LimitReader(r, limit+1))
	if errors.Is(err, gzip.ErrHeader) {
		err = nil // what follows a whole member is none: gzip and browsers pass over it
	}
	if c, ok := r.(io.Closer); ok {
		_ = c.Close()
	}
	switch {
	case n > limit:
		return n, fmt.Errorf("%w: more than %d bytes when it is decoded", media.ErrTooLarge, limit)
	case err != nil:
		return n, fmt.Errorf("%w: %s: %w", ErrNone, coding, err)
	}
	return n, nil
}

// Beginning is how a body begins without its Content-Encoding, as far as that can be
// told of its first bytes, and as much of it as tells what it is.
func Beginning(encoding string, head []byte) []byte {
	codings := strings.Split(encoding, ",")
	for i := len(codings) - 1; i >= max(0, len(codings)-maxCodings); i-- {
		coding := strings.ToLower(strings.TrimSpace(codings[i]))
		if !encodes(coding, head) {
			continue
		}
		r, err := decoder(coding, head, media.Prologue)
		if err != nil {
			return nil
		}
		out := make([]byte, Sniffed, media.Prologue)
		n, _ := io.ReadFull(r, out) // it is cut off, of course
		if n == Sniffed && media.Undecided(out) {
			more, _ := io.ReadFull(r, out[n:cap(out)])
			n += more
		}
		if c, ok := r.(io.Closer); ok {
			_ = c.Close()
		}
		head = out[:n]
	}
	return head
}

// Wants tells whether more of a body than its beginning is needed to tell what it is.
func Wants(encoding string, head []byte) bool {
	return len(head) < media.Prologue && media.Undecided(Beginning(encoding, head))
}

// maxCodings bounds how often a body was encoded.
const maxCodings = 4

// encodes tells whether a coding changes bytes. Of one that nobody knows, as origins say
// that mean a charset ("utf-8") or how it was uploaded ("aws-chunked"), browsers take the
// body as it is; so it is looked at like that, and what is no manifest then stays as it came.
// Nor is it gzip where it does not begin so: some stores say it of what was uploaded plain.
func encodes(coding string, body []byte) bool {
	switch coding {
	case "gzip", "x-gzip":
		return len(body) < 2 || body[0] == 0x1f && body[1] == 0x8b
	case "br", "zstd", "deflate":
		return true
	}
	return false
}

// maxWindow is the largest window of zstd on the web, in bytes (RFC 9659). Streams whose
// length nobody knew may name megabytes for a body of a hundred bytes.
const maxWindow = 8 << 20

func decoder(coding string, body []byte, limit int64) (io.Reader, error) {
	in := bytes.NewReader(body)
	switch coding {
	case "gzip", "x-gzip":
		return gzip.NewReader(in)
	case "br":
		return brotli.NewReader(in), nil
	case "zstd":
		d, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(max(uint64(limit)+1<<20, maxWindow)), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, err
		}
		return d.IOReadCloser(), nil
	}
	if r, err := zlib.NewReader(in); err == nil { // deflate
		return r, nil
	}
	in.Reset(body) // some send it without zlib's frame
	return flate.NewReader(in), nil
}

// Coding is a form in which a manifest is sent.
type Coding int

// Codings; of those that a viewer likes equally the last one is taken (decision 10).
const (
	Identity Coding = iota
	Brotli
	Gzip
	Zstd
	codings
)

// String is the content coding's name.
func (c Coding) String() string { return [...]string{"", "br", "gzip", "zstd"}[c] }

// Mark is of what a validator of this form begins with: it names what made the
// bytes, so that no two edges give different ones under the same validator.
func (c Coding) Mark() string { return [...]string{"i", "b", "g", "z"}[c] + libraries }

// libraries are the versions of what encodes, in short.
var libraries = func() string {
	b, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	var text strings.Builder
	for _, d := range b.Deps {
		if d.Path == "github.com/klauspost/compress" || d.Path == "github.com/andybalholm/brotli" {
			text.WriteString(strings.Map(func(r rune) rune {
				if r >= '0' && r <= '9' {
					return r
				}
				return -1
			}, d.Version))
		}
	}
	return text.String()
}()

// coded are the forms of an entry that were asked for, each made once.
type coded struct {
	once [codings]sync.Once
	made [codings]atomic.Bool
	body [codings][]byte // nil: not smaller than it is; set before made
}

// smallest is what is not worth encoding, in bytes.
const smallest = 1 << 10

// Varies tells that there may be more than one form of what every viewer gets.
func (e *Entry) Varies() bool { return len(e.led) >= smallest }

// Encoded is what every viewer gets in a form, made once; nil: it would not be
// smaller. Without make only what is made already; false: it is not.
func (e *Entry) Encoded(c Coding, make bool) (body []byte, made bool) {
	if c == Identity || !e.Varies() {
		return nil, true
	}
	if !make && !e.coded.made[c].Load() {
		return nil, false
	}
	e.coded.once[c].Do(func() {
		body := e.led
		if out := encode(c, body); len(out) < len(body)-len(body)/8 {
			e.coded.body[c] = out
		}
		e.coded.made[c].Store(true)
	})
	return e.coded.body[c], true
}

func encode(c Coding, body []byte) []byte {
	var out bytes.Buffer
	var w io.WriteCloser
	switch c {
	case Gzip:
		w, _ = gzip.NewWriterLevel(&out, 5) // a level that there is
	case Zstd:
		var err error
		if w, err = zstd.NewWriter(&out, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20)); err != nil {
			return body
		}
	case Brotli:
		w = brotli.NewWriterLevel(&out, 4)
	}
	if _, err := w.Write(body); err != nil {
		return body
	}
	if err := w.Close(); err != nil {
		return body
	}
	return bytes.Clone(out.Bytes())
}
