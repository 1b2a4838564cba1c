package house_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// claimsOpen are the claims that no test shows yet, with the reason.
var claimsOpen = map[int]string{}

const (
	claimsRoot = "../.."
	claimsPage = "docs/claims.md"
	notShown   = "not shown yet"
)

var (
	ticked      = regexp.MustCompile("`([^`]+)`")
	testTicked  = regexp.MustCompile(`^([a-z/0-9]+)\.(Test[A-Za-z0-9]+|Fuzz[A-Za-z0-9]+)$`)
	testCommand = regexp.MustCompile(`^go test \./(\S+) -run (\S+)`)
	yamlNamed   = regexp.MustCompile(`\S+\.yaml\b`)
)

// TestEveryClaimIsWhereThePageSays: docs/claims.md has the rows 1 to 39 in
// order, and every file, test and scenario that it names is there.
func TestEveryClaimIsWhereThePageSays(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(claimsRoot, claimsPage))
	if err != nil {
		t.Fatal(err)
	}
	next := 1
	for i, line := range strings.Split(string(page), "\n") {
		for _, name := range ticked.FindAllStringSubmatch(line, -1) {
			claimsNamed(t, i+1, name[1])
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		number, err := strconv.Atoi(strings.TrimSpace(cells[0]))
		if err != nil || !strings.HasPrefix(line, "|") {
			continue
		}
		if number != next {
			t.Errorf("%s:%d: claim %d stands where %d should", claimsPage, i+1, number, next)
		}
		next = number + 1
		claimsRow(t, i+1, number, cells)
	}
	if next != 40 {
		t.Errorf("%s ends with claim %d, there are 39", claimsPage, next-1)
	}
}

// claimsRow checks one row: number, words, files, tests, command.
func claimsRow(t *testing.T, line, number int, cells []string) {
	t.Helper()
	if len(cells) != 5 {
		t.Fatalf("%s:%d: claim %d has %d cells; want 5", claimsPage, line, number, len(cells))
	}
	for i, cell := range cells {
		if strings.TrimSpace(cell) == "" {
			t.Errorf("%s:%d: claim %d: cell %d is empty", claimsPage, line, number, i+1)
		}
	}
	files := ticked.FindAllStringSubmatch(cells[2], -1)
	if len(files) == 0 {
		t.Errorf("%s:%d: claim %d names no file", claimsPage, line, number)
	}
	for _, f := range files {
		if _, err := os.Stat(filepath.Join(claimsRoot, f[1])); err != nil {
			t.Errorf("%s:%d: claim %d: no file %s", claimsPage, line, number, f[1])
		}
	}
	tests := ticked.FindAllStringSubmatch(cells[3], -1)
	for _, name := range tests {
		if !testTicked.MatchString(name[1]) {
			t.Errorf("%s:%d: claim %d: %q is not package.TestName", claimsPage, line, number, name[1])
		}
	}
	reason, open := claimsOpen[number]
	switch {
	case len(tests) == 0 && !open:
		t.Errorf("%s:%d: claim %d names no test", claimsPage, line, number)
	case len(tests) > 0 && open:
		t.Errorf("claim %d is shown by a test now; take it out of claimsOpen (%s)", number, reason)
	case open && strings.TrimSpace(cells[3]) != notShown:
		t.Errorf("%s:%d: claim %d: write %q", claimsPage, line, number, notShown)
	}
}

// claimsNamed checks whatever stands between ticks: tests and scenarios.
func claimsNamed(t *testing.T, line int, name string) {
	t.Helper()
	if m := testTicked.FindStringSubmatch(name); m != nil {
		claimsTest(t, line, m[1], m[2])
	}
	if m := testCommand.FindStringSubmatch(name); m != nil && m[1] != "package" {
		claimsTest(t, line, m[1], m[2])
	}
	for _, file := range yamlNamed.FindAllString(name, -1) {
		if _, err := os.Stat(filepath.Join(claimsRoot, file)); err != nil {
			t.Errorf("%s:%d: no file %s", claimsPage, line, file)
		}
	}
}

// claimsTest looks for a test function in the test files of a package.
func claimsTest(t *testing.T, line int, folder, name string) {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(claimsRoot, folder, "*_test.go"))
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err == nil && strings.Contains(string(text), "\nfunc "+name+"(") {
			return
		}
	}
	t.Errorf("%s:%d: no test %s in %s", claimsPage, line, name, folder)
}
