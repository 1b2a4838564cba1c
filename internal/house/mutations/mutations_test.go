package mutations

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	root = "../../.."
	page = "docs/claims.md"
)

// aDay is how many rows are broken by a run of all tests; others on the next day.
const aDay = 4

// TestEveryRowApplies: what is to be broken is there, once, and the test that has to
// notice it too; each claim has a row.
func TestEveryRowApplies(t *testing.T) {
	rows := claimRows(t)
	have := map[int]bool{}
	for i := range Table {
		m := &Table[i]
		if _, err := m.Broken(root); err != nil {
			t.Errorf("row %d, claim %d: %v", i, m.Claim, err)
		}
		if !testIsThere(m) {
			t.Errorf("row %d, claim %d: no test %s", i, m.Claim, m.Test)
		}
		if m.Claim != 0 && !strings.Contains(rows[m.Claim], "`"+m.Test+"`") {
			t.Errorf("row %d: the row of claim %d on %s does not name %s", i, m.Claim, page, m.Test)
		}
		have[m.Claim] = true
	}
	for claim := 1; claim <= 39; claim++ {
		if !have[claim] {
			t.Errorf("claim %d: no line of it is broken", claim)
		}
	}
}

// claimRows are the rows of the page by claim.
func claimRows(t *testing.T) map[int]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		t.Fatal(err)
	}
	rows := map[int]string{}
	for line := range strings.Lines(string(text)) {
		cell, _, _ := strings.Cut(strings.TrimPrefix(line, "|"), "|")
		if claim, err := strconv.Atoi(strings.TrimSpace(cell)); err == nil {
			rows[claim] = line
		}
	}
	return rows
}

func testIsThere(m *Mutation) bool {
	files, _ := filepath.Glob(filepath.Join(root, m.Package(), "*_test.go"))
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil && strings.Contains(string(text), "\nfunc "+m.Name()+"(") {
			return true
		}
	}
	return false
}

// TestBrokenLinesAreNoticed breaks some rows, by the day, or those that TANDEM_MUTATE
// asks for.
func TestBrokenLinesAreNoticed(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles each package that it breaks")
	}
	chosen, err := choose(os.Getenv("TANDEM_MUTATE"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	sound, compiled := map[string]error{}, map[string]string{} // by test and package, unbroken
	programs := t.TempDir()
	for _, i := range chosen {
		m := &Table[i]
		t.Run(fmt.Sprintf("%d claim %d %s", i, m.Claim, m.Test), func(t *testing.T) {
			err, seen := sound[m.Test]
			if !seen {
				err = passes(t.Context(), m, programs, compiled)
				sound[m.Test] = err
			}
			if err == nil {
				err = m.Try(t.Context(), root, t.TempDir())
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// passes tells whether a row's test passes unbroken; compiled are the programs by package.
func passes(ctx context.Context, m *Mutation, programs string, compiled map[string]string) error {
	program := compiled[m.Package()]
	if program == "" {
		program = filepath.Join(programs, strconv.Itoa(len(compiled)))
		if err := m.Compile(ctx, root, program); err != nil {
			return err
		}
		compiled[m.Package()] = program
	}
	return m.Passes(ctx, root, program)
}

// choose are the rows to break: all, so many, of a claim, or the day's.
func choose(which string, today time.Time) ([]int, error) {
	claim, ofClaim := strings.CutPrefix(which, "claim ")
	n := aDay
	switch number, err := strconv.Atoi(which); {
	case which == "", ofClaim:
	case which == "all":
		n = len(Table)
	case err == nil && number > 0:
		n = min(number, len(Table))
	default:
		return nil, fmt.Errorf("TANDEM_MUTATE: %q is none of all, a number, claim N", which)
	}
	var rows []int
	for i := range Table {
		if ofClaim && strconv.Itoa(Table[i].Claim) == claim {
			rows = append(rows, i)
		}
	}
	if ofClaim {
		return rows, nil
	}
	first := int(today.Unix()/86400) * aDay % len(Table)
	for i := range n {
		rows = append(rows, (first+i)%len(Table))
	}
	return rows, nil
}

// TestTheDaysGoRound: after some days every row has had its turn.
func TestTheDaysGoRound(t *testing.T) {
	seen := map[int]bool{}
	for day := range (len(Table)+aDay-1)/aDay + 1 {
		rows, err := choose("", time.Unix(int64(day)*86400, 0))
		if err != nil || len(rows) != aDay {
			t.Fatal(rows, err)
		}
		for _, row := range rows {
			seen[row] = true
		}
	}
	if len(seen) != len(Table) {
		t.Errorf("%d of %d rows", len(seen), len(Table))
	}
	if all, err := choose("all", time.Now()); err != nil || len(all) != len(Table) {
		t.Error(len(all), err)
	}
	for _, bad := range []string{"none", "-1", "0"} {
		if _, err := choose(bad, time.Now()); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
