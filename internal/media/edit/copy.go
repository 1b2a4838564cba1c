package edit

import (
	"encoding/binary"
	"errors"
	"io"
	"sync"
)

// copySize is how much of a body is held for a viewer while it is sent, twice.
const copySize = 32 << 10

var copiers = sync.Pool{New: func() any { return new(copier) }}

// copier gathers pieces, most of which are short.
type copier struct {
	to   io.Writer
	from io.ReaderAt

	in, out [copySize]byte
	at, n   int64 // in holds body[at:at+n]
	used    int   // of out
	written int64
}

// Memory is a body in memory: of it large pieces are written without being copied.
type Memory []byte

// ReadAt is io.ReaderAt.
func (m Memory) ReadAt(p []byte, at int64) (int, error) {
	if at >= int64(len(m)) {
		return 0, io.EOF
	}
	n := copy(p, m[at:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// Copy writes the edited body from its byte from on to before its byte to, and
// tells how many bytes were written.
func (e *Edits) Copy(w io.Writer, body io.ReaderAt, prefix string, from, to int64) (int64, error) {
	c := copiers.Get().(*copier)
	defer copiers.Put(c)
	c.to, c.from, c.at, c.n, c.used, c.written = w, body, 0, 0, 0, 0
	defer func() { c.to, c.from = nil, nil }()
	var err error
	if from <= 0 && to >= e.Size(prefix) {
		err = c.whole(e, prefix)
	} else {
		err = c.part(e, prefix, from, to)
	}
	if err == nil {
		err = c.flush()
	}
	return c.written, err
}

func (c *copier) part(e *Edits, prefix string, from, to int64) error {
	for p := range e.Pieces(prefix, from, to) {
		err := c.text(p.Text)
		if err == nil {
			err = c.body(p.At, p.N)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// whole is part for all of the body, which is what nearly everybody asks for: it
// goes straight through the code. A body in memory is copied from where it is.
func (c *copier) whole(e *Edits, prefix string) error {
	at, memory := int64(0), Memory(nil)
	if m, ok := c.from.(Memory); ok && int64(len(m)) == e.size {
		memory = m
	}
	for i := range e.blocks {
		for code := e.blocks[i].code; len(code) > 0; {
			gap, n := uvarint(code)
			cut, m := uvarint(code[n:])
			code = code[n+m:]
			before := prefix
			if cut&3 == Instead {
				before = ""
			}
			if end := at + int64(gap); memory != nil && c.used+int(gap)+len(before) <= copySize {
				c.used += copy(c.out[c.used:], memory[at:end])
				c.used += copy(c.out[c.used:], before)
			} else if err := c.piece(at, int64(gap), before); err != nil {
				return err
			}
			at += int64(gap) + int64(cut>>2)
			follows := ""
			switch cut & 3 {
			case Nothing:
				continue
			case Slash:
				follows = "/"
			case Word, Instead:
				w, n := binary.Uvarint(code)
				if code = code[n:]; w == 0 {
					if err := c.escaped(e.body[at-int64(cut>>2) : at]); err != nil {
						return err
					}
					continue
				}
				follows = e.words[w-1]
			}
			if err := c.text(follows); err != nil {
				return err
			}
		}
	}
	return c.body(at, e.size-at)
}

// uvarint is binary.Uvarint, without a call where it is one byte, as nearly always.
func uvarint(code []byte) (uint64, int) {
	if code[0] < 0x80 {
		return uint64(code[0]), 1
	}
	return binary.Uvarint(code)
}

// piece puts bytes of the body behind what is gathered, and a text behind them.
func (c *copier) piece(at, n int64, text string) error {
	if err := c.body(at, n); err != nil {
		return err
	}
	return c.text(text)
}

func (c *copier) flush() error {
	n, err := c.to.Write(c.out[:c.used])
	c.written += int64(n)
	c.used = 0
	return err
}

func (c *copier) escaped(text []byte) error {
	for _, b := range text {
		if err := c.text(escape(b)); err != nil {
			return err
		}
	}
	return nil
}

func (c *copier) text(text string) error {
	for text != "" {
		if c.used == copySize {
			if err := c.flush(); err != nil {
				return err
			}
		}
		n := copy(c.out[c.used:], text)
		text, c.used = text[n:], c.used+n
	}
	return nil
}

// body puts bytes of the body behind what is gathered.
func (c *copier) body(at, n int64) error {
	if at >= c.at && at+n <= c.at+c.n && c.used+int(n) <= copySize {
		c.used += copy(c.out[c.used:], c.in[at-c.at:at-c.at+n])
		return nil
	}
	if memory, ok := c.from.(Memory); ok && n >= copySize && at+n <= int64(len(memory)) {
		if err := c.flush(); err != nil {
			return err
		}
		wrote, err := c.to.Write(memory[at : at+n])
		c.written += int64(wrote)
		return err
	}
	for n > 0 {
		if c.used == copySize {
			if err := c.flush(); err != nil {
				return err
			}
		}
		if at < c.at || at >= c.at+c.n {
			if err := c.fetch(at); err != nil {
				return err
			}
		}
		took := int64(copy(c.out[c.used:], c.in[at-c.at:min(c.n, at-c.at+n)]))
		at, n, c.used = at+took, n-took, c.used+int(took)
	}
	return nil
}

func (c *copier) fetch(at int64) error {
	n, err := c.from.ReadAt(c.in[:], at)
	if n == 0 {
		if err == nil || errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	c.at, c.n = at, int64(n)
	return nil
}
