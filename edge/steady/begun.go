package steady

import (
	"bytes"
	"io"
)

// Begun is a body of which the first bytes have been read already, and with them err, if
// that is not nil.
func Begun(first []byte, err error, body io.ReadCloser) io.ReadCloser {
	return both{io.MultiReader(bytes.NewReader(first), failing{err}, body), body.Close}
}

// Ending is a body whose end is that of something else.
func Ending(body io.Reader, end func()) io.ReadCloser {
	return both{body, func() error { end(); return nil }}
}

type both struct {
	io.Reader
	end func() error
}

// Close is an io.Closer's.
func (b both) Close() error { return b.end() }

// failing is a reader that says what a reading said.
type failing struct{ err error }

// Read is an io.Reader's.
func (f failing) Read([]byte) (int, error) {
	if f.err == nil {
		return 0, io.EOF // the next one goes on
	}
	return 0, f.err
}
