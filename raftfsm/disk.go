package raftfsm

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
)

// slowDisk is from when on a write that is under way is told as a disk that
// hangs; termEvery is how often a term that it does not take is tried again.
const (
	slowDisk  = time.Second
	termEvery = 100 * time.Millisecond
)

// Errors of a disk that takes no writes.
var errDiskHangs = errors.New("a write to the disk has not ended")

// disk is a node's directory: its log as Raft sees it, and its snapshots. It remembers how
// writing went, so that a node can say that its disk is full or hangs.
type disk struct {
	*raftboltdb.BoltStore // nil until open
	config                *Config
	snapshots             *raft.FileSnapshotStore
	done                  <-chan struct{} // closed when the node ends
	path                  string          // of the log's file
	file                  os.FileInfo     // what was opened; nil: not known

	mu     sync.Mutex
	failed error     // guarded by mu; of the last write, nil: it went well
	began  time.Time // guarded by mu; of the write that is under way, zero: none
}

// StoreLog is a raft.LogStore's.
func (d *disk) StoreLog(log *raft.Log) error { return d.StoreLogs([]*raft.Log{log}) }

// StoreLogs is a raft.LogStore's.
func (d *disk) StoreLogs(logs []*raft.Log) error {
	return d.write(func() error { return d.BoltStore.StoreLogs(logs) })
}

// DeleteRange is a raft.LogStore's.
func (d *disk) DeleteRange(first, last uint64) error {
	return d.write(func() error { return d.BoltStore.DeleteRange(first, last) })
}

// Set is a raft.StableStore's.
func (d *disk) Set(key, value []byte) error {
	return d.write(func() error { return d.BoltStore.Set(key, value) })
}

// termKey is where the library keeps the term. It panics when that can't be
// written.
var termKey = []byte("CurrentTerm")

// SetUint64 is a raft.StableStore's. A term that a full disk does not take is
// tried again until there is room: a node that can't remember its term may do
// nothing else meanwhile, and one that has ended by that would not come back.
func (d *disk) SetUint64(key []byte, value uint64) error {
	for {
		err := d.write(func() error { return d.BoltStore.SetUint64(key, value) })
		if err == nil || !bytes.Equal(key, termKey) {
			return err
		}
		select {
		case <-time.After(termEvery):
		case <-d.done:
			select {} // Close does not wait for it
		}
	}
}

func (d *disk) write(do func() error) error {
	d.mu.Lock()
	d.began = d.config.Now()
	d.mu.Unlock()
	var err error
	if fault := d.config.diskFault; fault != nil {
		err = fault()
	}
	if err == nil {
		err = do()
	}
	d.mu.Lock()
	d.began, d.failed = time.Time{}, err
	d.mu.Unlock()
	return err
}

// state is nil while the disk takes what is written. ENOENT: the directory was removed, or
// another one is in its place, so that what is written is lost with the process.
func (d *disk) state() error {
	if there, err := os.Stat(d.path); d.file != nil && (errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(there, d.file)) {
		return syscall.ENOENT
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.began.IsZero() && d.config.Now().Sub(d.began) > slowDisk {
		return errDiskHangs
	}
	return d.failed
}

// Close closes the log.
func (d *disk) Close() error {
	if d.BoltStore == nil {
		return nil
	}
	return d.BoltStore.Close()
}

var (
	_ raft.LogStore    = (*disk)(nil)
	_ raft.StableStore = (*disk)(nil)
)
