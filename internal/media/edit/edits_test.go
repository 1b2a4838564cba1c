package edit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
)

// naive is one edit as it is.
type naive struct {
	at, cut int
	follows int
	text    string
}

// apply puts a prefix in by hand.
func apply(body []byte, edits []naive, prefix string) []byte {
	var out []byte
	at := 0
	for _, e := range edits {
		if out = append(out, body[at:e.at]...); e.follows != Instead {
			out = append(out, prefix...)
		}
		if e.follows == Instead && e.text == "" {
			for _, c := range body[e.at : e.at+e.cut] {
				out = fmt.Appendf(out, "%%%02X", c)
			}
		}
		switch e.follows {
		case Slash:
			out = append(out, '/')
		case Word, Instead:
			out = append(out, e.text...)
		}
		at = e.at + e.cut
	}
	return append(out, body[at:]...)
}

func TestStreamedBodyIsTheEditedOne(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, size := range []int{0, 1, 30, 5000, 200_000} {
		body := make([]byte, size)
		for i := range body {
			body[i] = byte('a' + i%26)
		}
		var edits []naive
		e := Edits{size: int64(size), body: body}
		for at := 0; at < size; {
			n := naive{at: at, cut: random.IntN(min(40, size-at) + 1), follows: random.IntN(4)}
			if n.follows >= Word {
				n.text = strings.Repeat("w", random.IntN(30)+1)
			}
			if n.follows == Instead && random.IntN(2) == 0 {
				n.text = ""
				e.Escape(int64(n.at), int64(n.cut))
			} else {
				e.Add(int64(n.at), int64(n.cut), n.follows, n.text)
			}
			edits = append(edits, n)
			at += n.cut + random.IntN(size/20+2)
		}
		for _, prefix := range []string{"", "/s/TOKEN", strings.Repeat("x", 3000)} {
			want := apply(body, edits, prefix)
			if e.Size(prefix) != int64(len(want)) || e.Count() != int64(len(edits)) {
				t.Fatalf("%d bytes, %d edits: %d, %d", len(want), len(edits), e.Size(prefix), e.Count())
			}
			if got := e.Append(nil, body, prefix); !bytes.Equal(got, want) {
				t.Fatalf("%d bytes of body: appended otherwise", size)
			}
			for _, source := range []io.ReaderAt{bytes.NewReader(body), Memory(body)} {
				var got bytes.Buffer
				if n, err := e.Copy(&got, source, prefix, 0, e.Size(prefix)); err != nil || n != int64(len(want)) || !bytes.Equal(got.Bytes(), want) {
					t.Fatalf("%d bytes of body: %d, %v", size, n, err)
				}
			}
			for range 40 {
				from := random.Int64N(int64(len(want)) + 1)
				to := from + random.Int64N(int64(len(want))-from+1)
				var got bytes.Buffer
				n, err := e.Copy(&got, bytes.NewReader(body), prefix, from, to)
				if err != nil || n != to-from || !bytes.Equal(got.Bytes(), want[from:to]) {
					t.Fatalf("%d bytes of body, %d to %d: %d, %v", size, from, to, n, err)
				}
			}
		}
	}
}

// short gives fewer bytes than it should have.
type short struct{ *bytes.Reader }

func (s short) ReadAt(p []byte, off int64) (int, error) {
	if off >= 50_000 {
		return 0, io.EOF
	}
	return s.Reader.ReadAt(p[:min(len(p), 50_000-int(off))], off)
}

type refuses struct{}

func (refuses) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestBodyThatEndsEarlyIsAnError(t *testing.T) {
	e := Edits{size: 100_000}
	var got bytes.Buffer
	n, err := e.Copy(&got, short{bytes.NewReader(make([]byte, 100_000))}, "/p", 0, e.Size("/p"))
	if !errors.Is(err, io.ErrUnexpectedEOF) || n > 50_000 {
		t.Errorf("%d bytes, %v", n, err)
	}
	if _, err := e.Copy(refuses{}, bytes.NewReader(make([]byte, 100_000)), "/p", 0, e.Size("/p")); !errors.Is(err, io.ErrClosedPipe) {
		t.Error(err)
	}
}
