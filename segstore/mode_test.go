package segstore

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// What is stored may be paid for: nobody but its owner reads it, also in a
// directory that was open before.
func TestStoreIsItsOwnersAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "open")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s := openStore(t, dir, Options{})
	for _, key := range []string{"/a", "/b"} { // the second one into a directory that is there
		mustFill(t, s, key, Meta{Status: 200, Size: -1}, []byte("body"))
	}
	if err := s.Durable(t.Context()); err != nil {
		t.Fatal(err)
	}
	seen := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is open to others: %s", path, info.Mode())
		}
		seen++
		return err
	})
	if err != nil || seen < 6 {
		t.Fatalf("%d files and directories, %v", seen, err)
	}
}
