package setting

import (
	"fmt"
	"strings"
)

// Markdown is the table of docs/config.md.
func (s *Set) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "## tandem %s\n\n| setting | unit | default | bounds | what |\n|---|---|---|---|---|\n", s.Command)
	for _, row := range s.Rows {
		bounds := ""
		if row.Min != "" || row.Max != "" {
			bounds = row.Min + " to " + row.Max
		}
		help := row.Help
		if row.Reload {
			help += " (Read anew on SIGHUP.)"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", row.Name, row.Unit, row.Default, bounds, help)
	}
	return b.String()
}

// YAML is a configuration file that sets every row to its present value, but for numbers
// that are not stated.
func (s *Set) YAML() string {
	var b strings.Builder
	for _, row := range s.Rows {
		text, off := row.Value.String(), ""
		if text == "" && row.Min != "" {
			off = "# "
		}
		fmt.Fprintf(&b, "# %s\n%s%s: %q\n", row.what(), off, row.Name, text)
	}
	return b.String()
}
