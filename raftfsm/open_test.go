package raftfsm

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/hashicorp/raft"

	"tandem/internal/wire"
	"tandem/raftfsm/placement"
)

func alone(t *testing.T) Config {
	c := (&cluster{t: t, dir: t.TempDir()}).config("lb-1")
	c.Peers = []wire.Balancer{{Name: "lb-1"}}
	return c
}

// used is a directory on which a node has been.
func used(t *testing.T) Config {
	c := alone(t)
	n, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(n.WaitLeader(patient(t)), n.Close()); err != nil {
		t.Fatal(err)
	}
	return c
}

var wrongStarts = []struct {
	name string
	make func(*testing.T) Config
	says string
	kind error
}{
	{"no secret", func(t *testing.T) Config { c := alone(t); c.Secret = wire.Secret{}; return c }, "secret", nil},
	{"no name", func(t *testing.T) Config { c := alone(t); c.Name = ""; return c }, "name", nil},
	{"no parent directory", func(t *testing.T) Config { c := alone(t); c.Dir = filepath.Join(c.Dir, "a", "b"); return c }, "no such file", nil},
	{"port in use", func(t *testing.T) Config {
		l := listen(t)
		t.Cleanup(func() { l.Close() })
		c := alone(t)
		c.Bind = l.Addr().String()
		return c
	}, "is in use by another process", nil},
	{"address of nobody", func(t *testing.T) Config { c := alone(t); c.Bind = "0.0.0.0:0"; return c }, "advertise", nil},
	{"lease", func(t *testing.T) Config { c := alone(t); c.Lease = 2 * c.Heartbeat; return c }, "raft-lease", nil},
	{"locked", func(t *testing.T) Config {
		c := alone(t)
		n, err := Open(c)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { n.Close() })
		return c
	}, "locked by another process", nil},
	{"another's directory", func(t *testing.T) Config {
		c := used(t)
		c.Name, c.Peers = "lb-2", []wire.Balancer{{Name: "lb-2"}}
		return c
	}, "belongs to balancer lb-1", nil},
	{"a file for a directory", func(t *testing.T) Config {
		c := alone(t)
		c.Dir = filepath.Join(t.TempDir(), "file")
		write(t, c.Dir, nil)
		return c
	}, "--data: open ", syscall.ENOTDIR},
	{"a directory for the log", func(t *testing.T) Config {
		c := alone(t)
		if err := os.MkdirAll(filepath.Join(c.Dir, logFile), 0o700); err != nil {
			t.Fatal(err)
		}
		return c
	}, "--data: open ", syscall.EISDIR},
	{"no log at all", func(t *testing.T) Config {
		c := used(t)
		write(t, filepath.Join(c.Dir, logFile), bytes.Repeat([]byte("no log "), 4000))
		return c
	}, "the others let it in anew", nil},
	{"a cut log", func(t *testing.T) Config {
		c := used(t)
		path := filepath.Join(c.Dir, logFile)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		write(t, path, b[:5000])
		return c
	}, "is damaged", nil},
	{"half a log", func(t *testing.T) Config {
		c := used(t)
		path := filepath.Join(c.Dir, logFile)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		write(t, path, b[:len(b)/2])
		return c
	}, "bytes are left", nil},
	{"a log whose pages are empty, as after a power cut", func(t *testing.T) Config {
		c := used(t)
		path := filepath.Join(c.Dir, logFile)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		clear(b[2*os.Getpagesize():]) // behind what says which page is the root
		write(t, path, b)
		return c
	}, "is damaged", nil},
	{"an older snapshot", func(t *testing.T) Config { c := used(t); addSnapshot(t, c, 0); return c }, "snapshot version 0 is not readable by this build (want 1)", placement.ErrSnapshotVersion},
}

// What can go wrong at the start is said in one line that names the file or the
// address, and leaves nothing open behind.
func TestOpenSaysWhatIsWrong(t *testing.T) {
	for _, c := range wrongStarts {
		t.Run(c.name, func(t *testing.T) {
			n, err := Open(c.make(t))
			if err == nil {
				n.Close()
				t.Fatal("it opened")
			}
			if !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") || c.kind != nil && !errors.Is(err, c.kind) {
				t.Errorf("%v", err)
			}
		})
	}
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// addSnapshot leaves a snapshot of another version on a closed node's disk.
func addSnapshot(t *testing.T, c Config, version byte) {
	t.Helper()
	store, err := raft.NewFileSnapshotStore(c.Dir, keepSnapshots, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	list := raft.Configuration{Servers: []raft.Server{{ID: raft.ServerID(c.Name), Address: "127.0.0.1:1"}}}
	_, names := raft.NewInmemTransport("")
	sink, err := store.Create(raft.SnapshotVersionMax, 2, 2, list, 1, names)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := placement.NewState().WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	b.Bytes()[len("TANDEMP1")] = version
	if _, err := sink.Write(b.Bytes()); err != nil {
		t.Fatal(err)
	}
	if err := sink.Close(); err != nil {
		t.Fatal(err)
	}
}

// The list of first voters counts once; what is on the disk counts afterwards.
func TestTheDiskWinsOverTheListOfFirstVoters(t *testing.T) {
	c := newCluster(t, 1)
	r := c.must(up("e1", 1))
	c.kill("lb-1")
	c.peers = append(c.peers, wire.Balancer{Name: "lb-2", Raft: "127.0.0.1:1"})
	n := c.restart("lb-1")
	if _, err := n.WaitVersion(patient(t), r.Version); err != nil {
		t.Fatal(err)
	}
	if v := n.Voters(); len(v) != 1 {
		t.Errorf("voters %v", v)
	}
}
