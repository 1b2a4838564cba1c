package media

import (
	"bytes"
	"encoding/binary"
	"iter"
	"regexp"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"tandem/internal/media/scan"
)

// UTF8 is a text as UTF-8: the very text where it is that already. What is in UTF-16
// is known by its byte order mark or, as XML 1.0 appendix F says, by its first two
// characters, which are ASCII in every manifest. It loses its mark, and a declaration
// that names the encoding (XML 1.0 section 4.3.3) names the new one. A character of
// which half is missing at the end is left out.
func UTF8(text []byte) (as []byte, recoded bool) {
	order, from := wide(text)
	if order == nil {
		return text, false
	}
	size := 0
	for r := range characters(text[from:], order) {
		size += utf8.RuneLen(r)
	}
	as = make([]byte, 0, size)
	for r := range characters(text[from:], order) {
		as = utf8.AppendRune(as, r)
	}
	return redeclared(as), true
}

// wide is the byte order of a text in UTF-16, and where it begins behind its mark;
// nil: it is in no such encoding, or too little of it is known.
func wide(text []byte) (order binary.ByteOrder, from int) {
	switch {
	case len(text) < 4:
		return nil, 0
	case bytes.HasPrefix(text, []byte("\xff\xfe\x00\x00")): // UTF-32, which no player reads
		return nil, 0
	case bytes.HasPrefix(text, []byte("\xfe\xff")):
		return binary.BigEndian, 2
	case bytes.HasPrefix(text, []byte("\xff\xfe")):
		return binary.LittleEndian, 2
	case text[0] == 0 && text[2] == 0 && ascii(text[1]) && ascii(text[3]):
		return binary.BigEndian, 0
	case text[1] == 0 && text[3] == 0 && ascii(text[0]) && ascii(text[2]):
		return binary.LittleEndian, 0
	}
	return nil, 0
}

// mayBeWide tells that more of a text may show it to be in UTF-16.
func mayBeWide(text []byte) bool {
	return len(text) < 4 && (len(text) == 1 && bytes.IndexByte([]byte("\x00\xfe\xff"), text[0]) >= 0 ||
		len(text) > 1 && (bytes.HasPrefix(text, []byte("\xfe\xff")) || bytes.HasPrefix(text, []byte("\xff\xfe")) || (text[0] == 0) != (text[1] == 0)))
}

func ascii(c byte) bool { return c != 0 && c < utf8.RuneSelf }

// characters goes through a text in UTF-16. What is no character is U+FFFD.
func characters(text []byte, order binary.ByteOrder) iter.Seq[rune] {
	return func(yield func(rune) bool) {
		for len(text) > 1 {
			r, n := rune(order.Uint16(text)), 2
			switch {
			case !utf16.IsSurrogate(r):
			case len(text) < 4:
				return // half of it is missing
			default:
				if r = utf16.DecodeRune(r, rune(order.Uint16(text[2:]))); r != utf8.RuneError {
					n = 4
				}
			}
			if !yield(r) {
				return
			}
			text = text[n:]
		}
	}
}

// declaration is as much of a document as its XML declaration has, in bytes.
const declaration = 256

// redeclared says of a document in UTF-8 that it is so.
func redeclared(text []byte) []byte {
	if !bytes.HasPrefix(text, []byte("<?xml")) {
		return text
	}
	head := text[:min(len(text), declaration)]
	if end := bytes.Index(head, []byte("?>")); end >= 0 {
		head = head[:end]
	}
	attributes := scan.XMLAttributes{Body: head, At: len("<?xml")}
	for attributes.Next() {
		if s := attributes.Value; string(attributes.Name) == "encoding" {
			return slices.Replace(text, int(s.At), s.End(), []byte("UTF-8")...)
		}
	}
	return text
}

// charset is the parameter of a content type that names UTF-16.
var charset = regexp.MustCompile(`(?i)(;\s*charset\s*=\s*)("utf-16(le|be)?"|utf-16(le|be)?)\s*(;|$)`)

// TypeOfUTF8 is the content type of a text that was made UTF-8: it names no other
// encoding.
func TypeOfUTF8(contentType string) string {
	if !strings.Contains(contentType, "-16") {
		return contentType
	}
	return charset.ReplaceAllString(contentType, "${1}utf-8${5}")
}
