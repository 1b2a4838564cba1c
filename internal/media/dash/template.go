package dash

import (
	"bytes"
	"strconv"

	"tandem/internal/media/scan"
)

// Marks stand in a pattern for what differs from segment to segment: bytes that
// no URI holds.
const (
	markNumber = iota + 1
	markTime
	markPart                    // $SubNumber$
	markOther                   // as many again, for the same with another width
	marks     = 2*markOther - 1 // one more than the last
)

// valueOf is the mark whose value a mark stands for.
func valueOf(mark byte) byte {
	if mark >= markOther {
		mark -= markOther - 1
	}
	return mark
}

// pattern is the URI of a representation's segments, with marks.
type pattern struct {
	uri    []byte
	widths [marks]int // of what a mark stands for, in digits at least
}

// fixed is the beginning of a pattern that has no marks, and whether that is all.
func (p *pattern) fixed() ([]byte, bool) {
	for i, c := range p.uri {
		if c < marks {
			return p.uri[:i], false
		}
	}
	return p.uri, true
}

// values are what the marks of a pattern stand for.
type values [marks]int64

// match reads the values out of a target; false when it does not fit.
func (p *pattern) match(target []byte) (v values, ok bool) {
	for i := range v {
		v[i] = -1
	}
	j := 0
	for i := 0; i < len(p.uri); i++ {
		c := p.uri[i]
		if c >= marks {
			if j == len(target) || target[j] != c {
				return v, false
			}
			j++
			continue
		}
		// Digits that follow the mark in the pattern are not its own.
		digits, behind := 0, 0
		for j+digits < len(target) && scan.IsDigit(target[j+digits]) {
			digits++
		}
		for i+1+behind < len(p.uri) && scan.IsDigit(p.uri[i+1+behind]) {
			behind++
		}
		digits -= behind
		if digits <= 0 || digits < p.widths[c] || digits > max(p.widths[c], 1) && target[j] == '0' {
			return v, false
		}
		n, ok := scan.Units(target[j : j+digits])
		if !ok || v[valueOf(c)] >= 0 && v[valueOf(c)] != n {
			return v, false
		}
		v[valueOf(c)] = n
		j += digits
	}
	return v, j == len(target)
}

// fill appends a pattern with its values put in.
func (p *pattern) fill(dst []byte, v *values) []byte {
	for _, c := range p.uri {
		if c >= marks {
			dst = append(dst, c)
			continue
		}
		dst = padded(dst, v[valueOf(c)], p.widths[c])
	}
	return dst
}

func padded(dst []byte, n int64, width int) []byte {
	var digits [20]byte
	text := strconv.AppendInt(digits[:0], n, 10)
	for range width - len(text) {
		dst = append(dst, '0')
	}
	return append(dst, text...)
}

// hasMark tells whether a text holds what no URI holds.
func hasMark(text []byte) bool {
	for _, c := range text {
		if c < marks {
			return true
		}
	}
	return false
}

// maxWidth bounds the digits that a template asks for.
const maxWidth = 32

// appendTemplate appends a template with marks, the representation's id and
// bandwidth put in (ISO/IEC 23009-1 5.3.9.4.4); false when it is none.
func appendTemplate(dst, template, id []byte, bandwidth int64, widths *[marks]int) ([]byte, bool) {
	if hasMark(id) {
		return dst, false
	}
	for len(template) > 0 {
		n := bytes.IndexByte(template, '$')
		if n < 0 {
			n = len(template)
		}
		end := -1
		if n < len(template) {
			end = bytes.IndexByte(template[n+1:], '$')
		}
		if end < 0 {
			n = len(template)
		}
		if hasMark(template[:n]) {
			return dst, false
		}
		dst = append(dst, template[:n]...)
		if end < 0 {
			return dst, true
		}
		name, form, _ := bytes.Cut(template[n+1:n+1+end], []byte("%"))
		template = template[n+end+2:]
		width, ok := 1, true
		if len(form) > 1 && form[len(form)-1] == 'd' {
			w, ok := scan.Units(form[:len(form)-1])
			if !ok || w > maxWidth {
				return dst, false
			}
			width = max(1, int(w))
		}
		switch string(name) {
		case "":
			dst = append(dst, '$')
		case "RepresentationID":
			dst = append(dst, id...)
		case "Bandwidth":
			dst = padded(dst, bandwidth, width)
		case "Number":
			dst, ok = appendMark(dst, markNumber, width, widths)
		case "Time":
			dst, ok = appendMark(dst, markTime, width, widths)
		case "SubNumber":
			dst, ok = appendMark(dst, markPart, width, widths)
		}
		if !ok {
			return dst, false
		}
	}
	return dst, true
}

// appendMark appends a mark, or its other one; false: a third width of one value.
func appendMark(dst []byte, mark byte, width int, widths *[marks]int) ([]byte, bool) {
	if widths[mark] != 0 && widths[mark] != width {
		mark += markOther - 1
	}
	if widths[mark] != 0 && widths[mark] != width {
		return dst, false
	}
	widths[mark] = width
	return append(dst, mark), true
}
