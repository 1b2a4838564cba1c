package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"tandem/internal/wire"
	"tandem/raftfsm/placement"
)

// A backup in which none of the edges is that are here is of another cluster: it is not
// restored by mistake. One of this cluster is, also where edges were added since, or have
// gone; and so is any into a cluster that has no edge yet.
func TestABackupOfAnotherClusterIsKnown(t *testing.T) {
	edge := func(name, at string) wire.Edge { return wire.Edge{Name: name, HTTP: at} }
	backup := &wire.Placement{Edges: []wire.Edge{edge("edge-1", "http://10.0.0.1:8081"), edge("edge-2", "http://10.0.0.2:8081")}}
	for what, row := range map[string]struct {
		backup *wire.Placement
		now    []wire.EdgeStatus
		want   bool
	}{
		"the same edges":           {backup, []wire.EdgeStatus{{Name: "edge-1", HTTP: "http://10.0.0.1:8081"}, {Name: "edge-2", HTTP: "http://10.0.0.2:8081"}}, false},
		"one stayed, one came":     {backup, []wire.EdgeStatus{{Name: "edge-3", HTTP: "http://10.0.0.3:8081"}, {Name: "edge-2", HTTP: "http://10.0.0.2:8081"}}, false},
		"the same names elsewhere": {backup, []wire.EdgeStatus{{Name: "edge-1", HTTP: "http://10.9.0.1:8081"}}, true},
		"other edges":              {backup, []wire.EdgeStatus{{Name: "edge-7", HTTP: "http://10.0.0.1:8081"}}, true},
		"no edge here":             {backup, nil, false},
		"a backup that has none":   {&wire.Placement{}, []wire.EdgeStatus{{Name: "edge-1"}}, false},
	} {
		if got := foreign(row.backup, &wire.Status{Edges: row.now}); got != row.want {
			t.Errorf("%s: %v", what, got)
		}
	}
}

// A backup into a pipe goes through it, and the pipe stays: with root's rights a device was
// replaced by a file. One that can't be written leaves nothing.
func TestABackupReplacesFilesAlone(t *testing.T) {
	dir := t.TempDir()
	pipe, file := filepath.Join(dir, "pipe"), filepath.Join(dir, "file")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	got := make(chan string, 1)
	go func() {
		text, err := os.ReadFile(pipe)
		got <- fmt.Sprint(string(text), err)
	}()
	if err := replace(pipe, []byte("secret")); err != nil {
		t.Fatal(err)
	}
	if text := <-got; text != "secret<nil>" {
		t.Error(text)
	}
	if info, err := os.Stat(pipe); err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		t.Errorf("%v, %v", info, err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	for i, text := range []string{"one", "another", "by a link"} {
		to := file
		if i == 2 {
			to = link
		}
		if err := replace(to, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if now, err := os.ReadFile(file); err != nil || string(now) != text {
			t.Errorf("%q, %v", now, err)
		}
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v, %v", info, err)
	}
	if replace(dir, nil) == nil || replace(filepath.Join(dir, "none", "file"), nil) == nil {
		t.Error("a directory, and a file in none, were written")
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) != 3 {
		t.Errorf("%v, %v", names, err)
	}
}

// What is no backup is found out by its beginning: a device that never ends, or a film given by
// mistake, was read into memory whole.
func TestWhatIsNoBackupIsNotReadWhole(t *testing.T) {
	if _, _, err := backupOf("/dev/zero", nil); !errors.Is(err, placement.ErrSnapshot) {
		t.Error(err)
	}
	film := &io.LimitedReader{R: rand.Reader, N: 1 << 30}
	if _, _, err := backupOf("-", film); !errors.Is(err, placement.ErrSnapshot) || film.N < 1<<30-1<<20 {
		t.Errorf("%d bytes read, %v", 1<<30-film.N, err)
	}
}
