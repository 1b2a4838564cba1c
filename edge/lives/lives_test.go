package lives

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rs/zerolog"
)

// TestAnIncarnationIsHigherThanAnyBefore: the clock decides, unless it went back, or the
// life that the cluster knows is later still. What is in the file is never half a number.
func TestAnIncarnationIsHigherThanAnyBefore(t *testing.T) {
	n := Numbers{Dir: t.TempDir(), Log: zerolog.Nop()}
	for _, c := range []struct{ clock, present, want uint64 }{{100, 0, 100}, {50, 0, 101}, {50, 300, 301}, {400, 300, 400}, {400, 0, 401}} {
		if got := n.Next(c.clock, c.present); got != c.want || n.Read("incarnation") != got {
			t.Errorf("at %d, with %d there: %d, %d is kept; want %d", c.clock, c.present, got, n.Read("incarnation"), c.want)
		}
	}
	files, err := os.ReadDir(n.Dir)
	if err != nil || len(files) != 1 {
		t.Error(files, err)
	}
	if err := os.WriteFile(filepath.Join(n.Dir, "purged"), []byte("a lot"), 0o600); err != nil || n.Read("purged") != 0 {
		t.Error(err, n.Read("purged"))
	}
}
