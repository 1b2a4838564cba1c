package edit

import (
	"encoding/binary"
	"iter"
	"sort"
)

// Edits are the places of a body that take a session's prefix: bodies are sent
// to each viewer from the one copy, with the prefix put in on the way. They never
// change once the manifest is parsed.
type Edits struct {
	body   []byte // nil: nothing is escaped
	size   int64  // of the body
	change int64  // of the size, with the prefix ""
	count  int64  // that take the prefix
	others int64  // that do not
	last   int64  // where the last edit ends
	blocks []block
	words  []string

	escapes int64 // edits that percent-encode
}

// block is some of the edits, in order: for each the distance from the end of the
// one before, and the bytes that are taken out, both as varints; the lowest two
// bits of the latter say what follows the prefix.
type block struct {
	body   int64 // where the edit before ends
	change int64 // of the size, by the edits before
	count  int64 // of the edits before that take the prefix
	code   []byte
}

// What follows the prefix.
const (
	Nothing = iota
	Slash
	Word    // words[n-1], n as a varint behind
	Instead // likewise, and without the prefix; 0: what is taken out, percent-encoded
)

// escapes are those of all bytes, one behind the other.
var escapes = func() string {
	b := make([]byte, 0, 3*256)
	for c := range 256 {
		b = append(b, '%', "0123456789ABCDEF"[c>>4], "0123456789ABCDEF"[c&15])
	}
	return string(b)
}()

func escape(c byte) string { return escapes[3*int(c) : 3*int(c)+3] }

const (
	blockSize = 2048
	codeSize  = 3 * binary.MaxVarintLen64
)

// Add notes an edit behind all others: the prefix, and what follows it, take the place of
// cut bytes of the body.
func (e *Edits) Add(from, cut int64, follows int, text string) {
	switch follows {
	case Nothing:
		e.add(from, cut, follows, 0, 0)
	case Slash:
		e.add(from, cut, follows, 0, 1)
	default:
		e.add(from, cut, follows, 1+e.know(text), int64(len(text)))
	}
}

// Escape notes an edit behind all others by which n bytes are percent-encoded.
func (e *Edits) Escape(from, n int64) {
	e.escapes++
	e.add(from, n, Instead, 0, 3*n)
}

// EscapeAs is Escape for what stands for something else, as a reference in XML does.
func (e *Edits) EscapeAs(from, n int64, text string) {
	e.escapes++
	e.Add(from, n, Instead, text)
}

// add notes an edit that puts so many bytes in beside the prefix.
func (e *Edits) add(from, cut int64, follows, word int, more int64) {
	n := len(e.blocks)
	if n == 0 || len(e.blocks[n-1].code) > blockSize-codeSize {
		next := block{body: e.last, change: e.change, count: e.count}
		if n > 0 {
			next.code = make([]byte, 0, blockSize)
		}
		e.blocks = append(e.blocks, next)
		n++
	}
	b := &e.blocks[n-1]
	b.code = binary.AppendUvarint(b.code, uint64(from-e.last))
	b.code = binary.AppendUvarint(b.code, uint64(cut)<<2|uint64(follows))
	if follows >= Word {
		b.code = binary.AppendUvarint(b.code, uint64(word))
	}
	if e.change += more - cut; follows == Instead {
		e.others++
	} else {
		e.count++
	}
	e.last = from + cut
}

// know is the number of a word; the same few come again and again.
func (e *Edits) know(text string) int {
	for i := len(e.words) - 1; i >= max(0, len(e.words)-16); i-- {
		if e.words[i] == text {
			return i
		}
	}
	e.words = append(e.words, text)
	return len(e.words) - 1
}

// End is where the last edit ends in the body.
func (e *Edits) End() int { return int(e.last) }

// Escapes is how many places are percent-encoded.
func (e *Edits) Escapes() int64 { return e.escapes }

// Count is how many places are edited.
func (e *Edits) Count() int64 { return e.count + e.others }

// Size is the length of the body with a prefix put in.
func (e *Edits) Size(prefix string) int64 {
	return e.size + e.change + e.count*int64(len(prefix))
}

// Cost is the memory they hold, in bytes.
func (e *Edits) Cost() int64 {
	n := int64(0)
	for i := range e.blocks {
		n += 48 + int64(cap(e.blocks[i].code))
	}
	return n + 16*int64(cap(e.words))
}

// Piece is either a text, or bytes of the body from At on.
type Piece struct {
	Text  string
	At, N int64
}

// Pieces are what the edited body is made of, from its byte from on to before its
// byte to.
func (e *Edits) Pieces(prefix string, from, to int64) iter.Seq[Piece] {
	return func(yield func(Piece) bool) {
		to := min(to, e.Size(prefix))
		p := pieces{edits: e, prefix: prefix, from: max(from, 0), to: to, yield: yield}
		p.run()
	}
}

// pieces is one way through the edits.
type pieces struct {
	edits    *Edits
	prefix   string
	from, to int64
	at       int64 // in the edited body
	yield    func(Piece) bool
}

func (p *pieces) run() {
	e, length := p.edits, int64(len(p.prefix))
	start := func(i int) int64 {
		b := &e.blocks[i]
		return b.body + b.change + b.count*length
	}
	i := max(0, sort.Search(len(e.blocks), func(i int) bool { return start(i) > p.from })-1)
	body := int64(0)
	if len(e.blocks) > 0 {
		body, p.at = e.blocks[i].body, start(i)
	}
	for ; i < len(e.blocks); i++ {
		for code := e.blocks[i].code; len(code) > 0; {
			gap, n := binary.Uvarint(code)
			cut, m := binary.Uvarint(code[n:])
			code = code[n+m:]
			if !p.body(body, int64(gap)) || cut&3 != Instead && !p.text(p.prefix) {
				return
			}
			switch cut & 3 {
			case Slash:
				if !p.text("/") {
					return
				}
			case Word, Instead:
				w, n := binary.Uvarint(code)
				code = code[n:]
				if w == 0 && !p.escaped(e.body[body+int64(gap):][:cut>>2]) || w > 0 && !p.text(e.words[w-1]) {
					return
				}
			}
			body += int64(gap) + int64(cut>>2)
		}
	}
	p.body(body, e.size-body)
}

// body gives what lies in the range of n bytes of the body; false at its end.
func (p *pieces) body(at, n int64) bool {
	first, last := max(p.from-p.at, 0), min(p.to-p.at, n)
	p.at += n
	if first < last && !p.yield(Piece{At: at + first, N: last - first}) {
		return false
	}
	return p.at < p.to
}

func (p *pieces) escaped(text []byte) bool {
	for _, c := range text {
		if !p.text(escape(c)) {
			return false
		}
	}
	return true
}

func (p *pieces) text(text string) bool {
	n := int64(len(text))
	first, last := max(p.from-p.at, 0), min(p.to-p.at, n)
	p.at += n
	if first < last && !p.yield(Piece{Text: text[first:last]}) {
		return false
	}
	return p.at < p.to
}

// Append is the whole edited body, behind dst.
func (e *Edits) Append(dst, body []byte, prefix string) []byte {
	for p := range e.Pieces(prefix, 0, e.Size(prefix)) {
		if p.N > 0 {
			dst = append(dst, body[p.At:p.At+p.N]...)
			continue
		}
		dst = append(dst, p.Text...)
	}
	return dst
}
