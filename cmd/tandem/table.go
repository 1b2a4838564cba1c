package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"tandem/internal/setting"
)

// table is text in columns; a column whose head begins with '>' is set to the
// right, as numbers are.
type table struct {
	heads []string
	rows  [][]string
	spare []int                                // the columns that are left out, one after the other, where all would be wider than a terminal
	paint func(column int, text string) string // colours, on a terminal only
}

func newTable(heads ...string) *table { return &table{heads: heads} }

func (t *table) add(cells ...any) {
	row := make([]string, len(cells))
	for i, c := range cells {
		row[i] = fmt.Sprint(c)
	}
	t.rows = append(t.rows, row)
}

// print leaves out columns of which every cell is empty.
func (t *table) print(out io.Writer) {
	empty := make([]bool, len(t.heads))
	for i := range empty {
		empty[i] = len(t.rows) > 0 && !slices.ContainsFunc(t.rows, func(row []string) bool { return row[i] != "" })
	}
	right := make([]bool, len(t.heads))
	width := make([]int, len(t.heads))
	heads := make([]string, len(t.heads))
	for i, h := range t.heads {
		heads[i] = strings.TrimPrefix(h, ">")
		right[i] = heads[i] != h
		width[i] = utf8.RuneCountInString(heads[i])
	}
	for _, row := range t.rows {
		for i, cell := range row {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	for _, column := range t.spare {
		if t.width(width, empty) > setting.Columns {
			empty[column] = true
		}
	}
	line := func(cells []string, paint func(int, string) string) {
		var b strings.Builder
		for i, cell := range cells {
			if empty[i] {
				continue
			}
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
			text := cell
			if paint != nil {
				text = paint(i, cell)
			}
			if right[i] {
				text = pad + text
			} else {
				text += pad
			}
			b.WriteString(text + "  ")
		}
		fmt.Fprintln(out, strings.TrimRight(b.String(), " "))
	}
	var headPaint func(int, string) string
	if t.paint != nil {
		headPaint = func(_ int, s string) string { return dim(s) }
	}
	line(heads, headPaint)
	for _, row := range t.rows {
		line(row, t.paint)
	}
}

// width is that of a line of the columns that are not empty.
func (t *table) width(columns []int, empty []bool) (n int) {
	for i, w := range columns {
		if !empty[i] {
			n += w + 2
		}
	}
	return n - 2
}

// terminal tells whether out shows colours and can be redrawn.
func terminal(out io.Writer) bool {
	s, ok := out.(*stdout)
	if !ok || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	stat, err := s.file.Stat()
	return err == nil && stat.Mode()&os.ModeCharDevice != 0
}

func dim(s string) string    { return "\x1b[2m" + s + "\x1b[0m" }
func bold(s string) string   { return "\x1b[1m" + s + "\x1b[0m" }
func red(s string) string    { return "\x1b[31m" + s + "\x1b[0m" }
func green(s string) string  { return "\x1b[32m" + s + "\x1b[0m" }
func yellow(s string) string { return "\x1b[33m" + s + "\x1b[0m" }

// size writes bytes for people, three digits or fewer before the unit.
func size(n int64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d B", n)
	case n < 1e6:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	case n < 1e9:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	default:
		return fmt.Sprintf("%.1f GB", float64(n)/1e9)
	}
}

// share writes a part of a whole: "98 %".
func share(part, whole int64) string {
	if whole == 0 {
		return "-"
	}
	return fmt.Sprintf("%d %%", part*100/whole)
}

// plural is "1 session", "2 sessions".
func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
