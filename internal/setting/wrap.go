package setting

import (
	"strings"
	"unicode/utf8"
)

// Columns is the width of a terminal that everything fits in.
const Columns = 80

// Wrap breaks a text at spaces into lines of at most Columns characters. Lines but the
// first begin with so many spaces, and the first has that much less room.
func Wrap(text string, indent int) string {
	var b strings.Builder
	column, begun := indent, false
	for word := range strings.FieldsSeq(text) {
		n := utf8.RuneCountInString(word)
		switch {
		case !begun:
		case column+1+n > Columns:
			b.WriteString("\n" + strings.Repeat(" ", indent))
			column = indent
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column, begun = column+n, true
	}
	return b.String()
}
