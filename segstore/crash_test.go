package segstore

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

const (
	crashEnv  = "SEGSTORE_CRASH_DIR"
	crashSize = 20_000
)

// TestCrashChild is not a test: TestKilledStoreHasAllThatWasDurable runs it in a
// process of its own and kills that.
func TestCrashChild(t *testing.T) {
	dir := os.Getenv(crashEnv)
	if dir == "" {
		t.Skip("runs as the child of another test")
	}
	s, err := Open(dir, Options{MaxBytes: 100 * crashSize})
	if err != nil {
		t.Fatal(err)
	}
	out := bufio.NewWriter(os.Stdout)
	for i := 0; ; i++ {
		key := crashKey(i)
		for range 2 { // the second time it is replaced, whether durable or not
			v, _, err := s.Refresh(t.Context(), key, sourceOf(Meta{Size: crashSize}, bodyOf(key, crashSize)))
			if err != nil {
				t.Fatal(err)
			}
			if err := v.finish(t.Context()); err != nil {
				t.Fatal(err)
			}
			v.Close()
		}
		if i%3 == 0 {
			s.Delete(crashKey(i - 1))
		}
		if err := s.Durable(t.Context()); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(out, "durable", i)
		_ = out.Flush()
	}
}

func crashKey(i int) string { return fmt.Sprintf("/stream/%d.m4s", i) }

// runCrashChild kills a child after it has printed lines durable keys.
func runCrashChild(t *testing.T, dir string, lines int) (durable int) {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run=^TestCrashChild$")
	child.Env = append(os.Environ(), crashEnv+"="+dir)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	durable = -1
	scan := bufio.NewScanner(out)
	killed := false
	for scan.Scan() {
		line := scan.Text()
		if _, err := fmt.Sscanf(line, "durable %d", &durable); err != nil && !killed {
			t.Errorf("the child said %q", line)
		}
		if durable+1 >= lines && !killed {
			killed = true
			_ = child.Process.Kill() // SIGKILL: in the middle of the next object
		}
	}
	if err := child.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Fatalf("the child ended by itself: %v", err)
	}
	return durable
}

func TestKilledStoreHasAllThatWasDurable(t *testing.T) {
	dir := t.TempDir()
	for round, lines := range []int{3, 7, 20, 80} {
		last := runCrashChild(t, dir, lines)
		s, err := Open(dir, Options{MaxBytes: 1 << 30})
		if err != nil {
			t.Fatal(err)
		}
		for i := max(0, last-40); i <= last; i++ {
			if i%3 == 2 && i < last { // was deleted, and that was durable
				if s.Has(crashKey(i)) {
					t.Errorf("round %d: %s came back", round, crashKey(i))
				}
				continue
			}
			if i%3 == 2 && !s.Has(crashKey(i)) {
				continue // the deletion may have been committed
			}
			mustHave(t, s, crashKey(i), bodyOf(crashKey(i), crashSize))
		}
		s.List(func(i Item) bool { // whatever else there is, is right
			mustHave(t, s, i.Key, bodyOf(i.Key, crashSize))
			return true
		})
		if err := s.Check(); err != nil {
			t.Errorf("round %d: %v", round, err)
		}
		if n, objects := len(bodyFiles(t, dir)), s.Stats().Objects; n != objects {
			t.Errorf("round %d: %d files for %d objects", round, n, objects)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
