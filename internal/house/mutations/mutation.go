package mutations

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Mutation is one line broken.
type Mutation struct {
	Claim int    // its row on docs/claims.md; 0: a truth of ours
	File  string // from the module's folder
	Old   string // stands there once; more than a line only where one alone is not unique
	New   string // in its place
	Test  string // package.TestName, as the page writes it
}

// limit is the longest that one test may take, compiling included.
const limit = 5 * time.Minute

// Errors of applying a mutation.
var (
	ErrStale   = errors.New("no longer applies")
	ErrMissed  = errors.New("no test noticed")
	ErrNoBuild = errors.New("does not compile")
)

// Broken is the file with the line broken.
func (m *Mutation) Broken(root string) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(root, m.File))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStale, err)
	}
	if n := bytes.Count(text, []byte(m.Old)); n != 1 || m.Old == m.New {
		return nil, fmt.Errorf("%w: %s holds it %d times: %s", ErrStale, m.File, n, m.Old)
	}
	return bytes.Replace(text, []byte(m.Old), []byte(m.New), 1), nil
}

// Package is the folder of the test, Name its name.
func (m *Mutation) Package() string { return m.Test[:strings.LastIndex(m.Test, ".")] }

// Name is the test's name.
func (m *Mutation) Name() string { return m.Test[strings.LastIndex(m.Test, ".")+1:] }

// Try breaks the line in a copy and runs the test. nil: it failed, as it must.
func (m *Mutation) Try(ctx context.Context, root, scratch string) error {
	text, err := m.Broken(root)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	from, err := filepath.Abs(filepath.Join(root, m.File))
	if err != nil {
		return err
	}
	to, overlay := filepath.Join(scratch, "broken.go"), filepath.Join(scratch, "overlay.json")
	replace, err := json.Marshal(map[string]any{"Replace": map[string]string{from: to}})
	if err != nil {
		return err
	}
	if err := errors.Join(os.WriteFile(to, text, 0o600), os.WriteFile(overlay, replace, 0o600)); err != nil {
		return err
	}
	args := []string{"test", "-vet=off", "-run", "^" + m.Name() + "$", "-count=1", "-overlay", overlay, "./" + m.Package()}
	out, failed := run(ctx, root, "go", append(args, m.rapid(root)...)...)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%w within %s", ErrMissed, limit)
	case strings.Contains(out, "[build failed]") || strings.Contains(out, "[setup failed]"):
		return fmt.Errorf("%w: %s: %s\n%s", ErrNoBuild, m.File, m.New, out)
	case !failed || !strings.Contains(out, "--- FAIL: "+m.Name()) && !strings.Contains(out, "panic: "):
		return fmt.Errorf("%w: %s passes with %s broken to %s", ErrMissed, m.Test, m.Old, m.New)
	}
	return nil
}

// Passes tells whether the test is there and passes while nothing is broken. Sound is its
// package's tests, compiled (Compile).
func (m *Mutation) Passes(ctx context.Context, root, sound string) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	args := append([]string{"-test.run", "^" + m.Name() + "$", "-test.v"}, m.rapid(root)...)
	if out, failed := run(ctx, filepath.Join(root, m.Package()), sound, args...); failed || !strings.Contains(out, "--- PASS: "+m.Name()) {
		return fmt.Errorf("%s does not pass as it is:\n%s", m.Test, out)
	}
	return nil
}

// Compile makes the tests of the mutation's package, with nothing broken, into a program.
func (m *Mutation) Compile(ctx context.Context, root, to string) error {
	if out, failed := run(ctx, root, "go", "test", "-vet=off", "-c", "-o", to, "./"+m.Package()); failed {
		return fmt.Errorf("%w: %s\n%s", ErrNoBuild, m.Package(), out)
	}
	return nil
}

// rapid are flags for property tests: they try more examples than usual, so that no seed
// misses the break, and have not to find the smallest.
func (m *Mutation) rapid(root string) []string {
	if !usesRapid(filepath.Join(root, m.Package())) {
		return nil
	}
	return []string{"-rapid.checks=1000", "-rapid.shrinktime=1s", "-rapid.nofailfile"}
}

func run(ctx context.Context, folder, program string, args ...string) (out string, failed bool) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.WaitDelay = folder, 10*time.Second
	text, err := cmd.CombinedOutput()
	return string(text), err != nil
}

func usesRapid(folder string) bool {
	files, _ := filepath.Glob(filepath.Join(folder, "*_test.go"))
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil && bytes.Contains(text, []byte(`"pgregory.net/rapid"`)) {
			return true
		}
	}
	return false
}
