package raftfsm

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"syscall"
	"time"

	"tandem/raftfsm/placement"

	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

const (
	logFile       = "raft.db"
	lockTimeout   = time.Second
	keepSnapshots = 2
)

// nameKey is where a log says whose it is.
var nameKey = []byte("tandem node")

// open opens the log and the snapshots, once what is of before the era that counts is put
// aside. lines is where the library's lines go.
func (d *disk) open(lines io.Writer) (err error) {
	if err := d.openLog(); err != nil {
		return err
	}
	if d.config.Aside > 0 {
		if err := d.putAside(); err != nil {
			return fmt.Errorf("%s: what is of before the recovery can't be put aside: %w", d.config.Dir, err)
		}
	}
	d.snapshots, err = raft.NewFileSnapshotStore(d.config.Dir, keepSnapshots, lines)
	if err != nil {
		return fmt.Errorf("snapshots in %s: %w", d.config.Dir, err)
	}
	return nil
}

// openLog opens the log, and lets no two processes and no other node have it. A
// file of damaged pages makes bbolt panic, which is a damaged log like others.
func (d *disk) openLog() (err error) {
	dir := d.config.Dir
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("--data: %w", err)
	}
	path := filepath.Join(dir, logFile)
	defer damaged(path, &err)()
	var store *raftboltdb.BoltStore
	if err = whole(path); err == nil {
		store, err = raftboltdb.New(raftboltdb.Options{
			Path:        path,
			NoSync:      d.config.noSync,
			BoltOptions: &bbolt.Options{Timeout: lockTimeout, NoFreelistSync: true, FreelistType: bbolt.FreelistMapType},
		})
	}
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return fmt.Errorf("--data: %s is locked by another process: end it (one that was told to stop may take its --drain-time), or take over from it (--replace)", path)
	case errors.As(err, new(syscall.Errno)): // the disk's, and not the file's: full, read-only, not to be had
		return fmt.Errorf("--data: %w", err)
	case err != nil:
		return errDamaged(path, err)
	}
	d.BoltStore, d.path = store, path
	d.file, _ = os.Stat(path) // nil: it is not looked at
	name, err := d.Get(nameKey)
	if err != nil && !errors.Is(err, raftboltdb.ErrKeyNotFound) {
		return fmt.Errorf("%s: %w", path, err)
	}
	if len(name) > 0 && string(name) != d.config.Name {
		return fmt.Errorf("--data: %s belongs to balancer %s: start it as --name %s, or give this one a directory of its own", path, name, name)
	}
	return d.Set(nameKey, []byte(d.config.Name))
}

// errDamaged says what can be done with a log that can't be read.
func errDamaged(path string, what any) error {
	return fmt.Errorf("--data: %s is damaged: %v; put the directory aside and start with an empty one: the others let it in anew, or one alone is given a backup (tandem cluster restore)", path, what)
}

// damaged turns a panic, also one of a page that is not there, into an error.
func damaged(path string, err *error) func() {
	old := debug.SetPanicOnFault(true)
	return func() {
		debug.SetPanicOnFault(old)
		if p := recover(); p != nil {
			*err = errDamaged(path, p)
		}
	}
}

// whole reads every page of a log's file, and finds one that is cut off or damaged: when it
// opens the file to write, bbolt meets such a page in a goroutine of its own, whose panic
// ends the process. It panics as bbolt does; what else can't be opened is for whoever opens
// it to write.
func whole(path string) error {
	info, err := os.Stat(path)
	if err != nil || info.Size() == 0 {
		return nil // there is none yet
	}
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true, Timeout: lockTimeout})
	if errors.Is(err, berrors.ErrTimeout) {
		return err // and is not waited for twice
	}
	if err != nil {
		return nil
	}
	defer db.Close()
	return db.View(func(tx *bbolt.Tx) error {
		if tx.Size() > info.Size() {
			return fmt.Errorf("%d of %d bytes are left", info.Size(), tx.Size())
		}
		return tx.ForEach(func(_ []byte, b *bbolt.Bucket) error {
			return b.ForEach(func(_, _ []byte) error { return nil })
		})
	})
}

// check walks the truths of the disk: a log without holes at its ends, snapshots that can be
// read, and gone on from.
func (d *disk) check() error {
	first, err := d.FirstIndex()
	if err != nil {
		return err
	}
	last, err := d.LastIndex()
	if err != nil {
		return err
	}
	for _, index := range []uint64{first, last} {
		var entry raft.Log
		if index == 0 {
			continue
		}
		if err := d.GetLog(index, &entry); err != nil || entry.Index != index {
			return placement.Broken("log: entry %d: %v", index, err)
		}
	}
	return d.checkSnapshots(first)
}

func (d *disk) checkSnapshots(first uint64) error {
	list, err := d.snapshots.List()
	if err != nil {
		return err
	}
	for i, meta := range list {
		_, r, err := d.snapshots.Open(meta.ID)
		if err != nil {
			return placement.Broken("snapshot %s: %v", meta.ID, err)
		}
		s, err := placement.ReadState(r)
		_ = r.Close()
		if err != nil {
			return fmt.Errorf("snapshot %s: %w", meta.ID, err)
		}
		if s.Placement().Version > meta.Index {
			return placement.Broken("snapshot %s holds version %d of a later time", meta.ID, s.Placement().Version)
		}
		if i == 0 && first > meta.Index+1 {
			return placement.Broken("the log begins at %d, the last snapshot ends at %d", first, meta.Index)
		}
	}
	return nil
}
