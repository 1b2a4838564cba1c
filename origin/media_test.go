package origin

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// An origin whose media directory was removed, or has another one in its place, serves what it
// had open and says that it is not ready.
func TestAMediaDirectoryThatIsGoneIsTold(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "media")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	o := start(t, Config{Media: dir}, Deps{})
	if err := o.ready(); err != nil {
		t.Fatal(err)
	}
	for what, do := range map[string]func() error{
		"removed":  func() error { return nil },
		"replaced": func() error { return os.Mkdir(dir, 0o700) },
	} {
		if err := errors.Join(os.RemoveAll(dir), do()); err != nil {
			t.Fatal(err)
		}
		if err := o.ready(); err == nil || !strings.Contains(err.Error(), "start this origin again") {
			t.Errorf("%s: %v", what, err)
		}
	}
}
