package cluster

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Command runs the binary and returns what it printed and its exit code.
func Command(t TB, env []string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	return command(t, 3*time.Minute, env, args)
}

// CommandFor is Command for one that may not end by itself: it is killed then.
func CommandFor(t TB, limit time.Duration, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	return command(t, limit, nil, args)
}

func command(t TB, limit time.Duration, env, args []string) (stdout, stderr string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, Binary(t), args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.Env = &out, &errs, append(os.Environ(), env...)
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatalf("tandem %s: %v", strings.Join(args, " "), err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// binary is built once a test process.
var binary struct {
	once sync.Once
	dir  string
	path string
	err  error
}

// Binary is the tandem binary: $TANDEM_BIN, or built from this module now.
func Binary(t TB) string {
	t.Helper()
	binary.once.Do(func() {
		if binary.path = os.Getenv("TANDEM_BIN"); binary.path != "" {
			return
		}
		if binary.dir, binary.err = os.MkdirTemp("", "tandem-bin-"); binary.err != nil {
			return
		}
		binary.path = filepath.Join(binary.dir, "tandem")
		// As `make build` does, so that what it compiled is used.
		build := exec.Command("go", "build", "-trimpath", "-o", binary.path, "tandem/cmd/tandem")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			binary.err = fmt.Errorf("go build: %w: %s", err, out)
		}
	})
	if binary.err != nil {
		t.Fatalf("%v", binary.err)
	}
	return binary.path
}

// Run runs a package's tests and removes the binary that was built for them:
// for TestMain.
func Run(m interface{ Run() int }) int {
	code := m.Run()
	if binary.dir != "" {
		_ = os.RemoveAll(binary.dir)
	}
	return code
}
