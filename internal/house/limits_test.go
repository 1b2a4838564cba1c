package house

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestBudgetsAreNamedAsTheyAre: every setting and every metric of docs/limits.md is
// there.
func TestBudgetsAreNamedAsTheyAre(t *testing.T) {
	page := func(name string) string {
		t.Helper()
		text, err := os.ReadFile(filepath.Join("..", "..", "docs", name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	config, metrics, rows := page("config.md"), page("metrics.md"), 0
	name := regexp.MustCompile("`([a-z_-]+)`")
	for line := range strings.SplitSeq(page("limits.md"), "\n") {
		cells := strings.Split(line, "|")
		if len(cells) != 7 || strings.Contains(line, "---") || strings.Contains(line, "| metric |") {
			continue
		}
		rows++
		for _, found := range name.FindAllStringSubmatch(cells[3], -1) {
			if !strings.Contains(config, "| `"+found[1]+"` |") {
				t.Errorf("no setting is called %s", found[1])
			}
		}
		for _, found := range name.FindAllStringSubmatch(cells[5], -1) {
			if !strings.Contains(metrics, "| `"+found[1]+"` |") {
				t.Errorf("no metric is called %s", found[1])
			}
		}
	}
	if rows < 15 {
		t.Fatalf("%d budgets were found", rows)
	}
}
