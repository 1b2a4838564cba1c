package companion

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// escape reads what stands at i of a JSON string (RFC 8259 section 7): the bytes
// that it means, and how long it is.
func escape(raw []byte, i int, buffer *[utf8.UTFMax]byte) (means []byte, n int, ok bool) {
	if raw[i] != '\\' {
		return raw[i : i+1], 1, true
	}
	if i+1 == len(raw) {
		return nil, 0, false
	}
	switch c := raw[i+1]; c {
	case '"', '\\', '/':
		return raw[i+1 : i+2], 2, true
	case 'b', 'f', 'n', 'r', 't':
		buffer[0] = map[byte]byte{'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}[c]
		return buffer[:1], 2, true
	case 'u':
		r, good := unit(raw, i)
		if !good {
			return nil, 0, false
		}
		n = 6
		if utf16.IsSurrogate(r) {
			low, _ := unit(raw, i+6)
			if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
				n = 12
			}
		}
		return buffer[:utf8.EncodeRune(buffer[:], r)], n, true
	}
	return nil, 0, false
}

// unit is the UTF-16 unit of the escape at i.
func unit(raw []byte, i int) (rune, bool) {
	if i+6 > len(raw) || raw[i] != '\\' || raw[i+1] != 'u' {
		return 0, false
	}
	v, err := strconv.ParseUint(string(raw[i+2:i+6]), 16, 16)
	return rune(v), err == nil
}

// appendDecoded appends what a JSON string means; false when it is none.
func appendDecoded(dst, raw []byte) ([]byte, bool) {
	var buffer [utf8.UTFMax]byte
	for i := 0; i < len(raw); {
		means, n, ok := escape(raw, i, &buffer)
		if !ok {
			return dst, false
		}
		dst, i = append(dst, means...), i+n
	}
	return dst, true
}

// rawCut is how long the first cut bytes of what a JSON string means are in it;
// false when they end within an escape.
func rawCut(raw []byte, cut int) (int, bool) {
	var buffer [utf8.UTFMax]byte
	i := 0
	for i < len(raw) && cut > 0 {
		means, n, ok := escape(raw, i, &buffer)
		if !ok {
			return 0, false
		}
		i, cut = i+n, cut-len(means)
	}
	return i, cut == 0
}
