package identity

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// A node that runs as a user of its own is joined by root, again as well, while its
// directory is that user's: it has to be able to read what it was given. Elsewhere it is
// root's.
func TestWhatRootJoinsIsTheServices(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root gives files away")
	}
	const service = 61_234
	c := newTown(t)
	for uid, dir := range map[int]string{service: t.TempDir(), 0: t.TempDir()} {
		if err := os.Chown(dir, uid, uid); err != nil {
			t.Fatal(err)
		}
		at := filepath.Join(dir, "of", "identity")
		for range 2 { // the second time what is there is replaced
			if _, err := PendingKey(at); err != nil {
				t.Fatal(err)
			}
			issue(t, at, c.ca, Grant{Role: Edge, Node: "edge-1"}, moment)
		}
		seen := 0
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			if of := info.Sys().(*syscall.Stat_t); int(of.Uid) != uid || int(of.Gid) != uid || path != dir && info.Mode().Perm()&0o077 != 0 {
				t.Errorf("in a directory of %d %s is %d's, %s", uid, path, of.Uid, info.Mode())
			}
			seen++
			return nil
		})
		if err != nil || seen < 5 {
			t.Errorf("%d files, %v", seen, err)
		}
	}
}
