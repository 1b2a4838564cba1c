package scan

// List grows without moving what it holds: memory is bounded by what is in it,
// not by twice that.
type List[T any] struct {
	chunks [][]T
	n      int
}

const chunk = 256 // entries

// Add puts an entry behind the others.
func (l *List[T]) Add(v T) {
	if l.n%chunk == 0 {
		size := 0
		if l.n > 0 {
			size = chunk
		}
		l.chunks = append(l.chunks, make([]T, 0, size))
	}
	last := &l.chunks[len(l.chunks)-1]
	*last = append(*last, v)
	l.n++
}

// Len is how many entries it has.
func (l *List[T]) Len() int { return l.n }

// At is entry i.
func (l *List[T]) At(i int) *T { return &l.chunks[i/chunk][i%chunk] }

// Span is a piece of a text.
type Span struct{ At, N uint32 }

// Between is text[from:to].
func Between(from, to int) Span { return Span{uint32(from), uint32(to - from)} }

// Of is the piece itself.
func (s Span) Of(text []byte) []byte { return text[s.At : s.At+s.N] }

// End is the place behind it.
func (s Span) End() int { return int(s.At + s.N) }

// Trim is text[from:to] without the white space around it.
func Trim(text []byte, from, to int) Span {
	for from < to && IsSpace(text[from]) {
		from++
	}
	for from < to && IsSpace(text[to-1]) {
		to--
	}
	return Between(from, to)
}

// IsSpace tells white space.
func IsSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// IsDigit tells a decimal digit.
func IsDigit(c byte) bool { return '0' <= c && c <= '9' }
