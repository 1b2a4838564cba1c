package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tandem/internal/setting"
)

// What README and docs print for a terminal is what there is: each command, each of its
// flags, and each page that is linked to.
func TestThePagesNameWhatThereIs(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	more, err2 := filepath.Glob("../../docs/*/*.md")
	if err != nil || err2 != nil || len(pages) < 20 {
		t.Fatal(pages, err, err2)
	}
	commanded := regexp.MustCompile("(?:^|[\\s`(])(?:bin/)?tandem ([a-z]+)((?: [^`\\n|;)#]*)?)")
	flagged := regexp.MustCompile(` --([a-z][a-z0-9-]*)`)
	linked := regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`)
	all, flags := commands(), 0
	for _, page := range append(append(pages, more...), "../../README.md", "../../SECURITY.md") {
		b, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		text := string(b)
		for _, found := range commanded.FindAllStringSubmatch(text, -1) {
			at := slices.IndexFunc(all, func(c command) bool { return c.name == found[1] })
			if at < 0 {
				if strings.Contains(found[0], "`") || strings.Contains(found[0], "bin/") {
					t.Errorf("%s: there is no tandem %s", page, found[1])
				}
				continue
			}
			rows := all[at].settings().Rows
			for _, flag := range flagged.FindAllStringSubmatch(found[2], -1) {
				if flags++; flag[1] != "help" && flag[1] != "config" && !slices.ContainsFunc(rows, func(r setting.Row) bool { return r.Name == flag[1] }) {
					t.Errorf("%s: %q: tandem %s has no --%s", page, strings.TrimSpace(found[0]), found[1], flag[1])
				}
			}
		}
		for _, link := range linked.FindAllStringSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), link[1])); err != nil {
				t.Errorf("%s: %v", page, err)
			}
		}
	}
	if flags < 50 {
		t.Errorf("%d flags of commands are found, there are more", flags)
	}
}
