// Package index is what is on the disk for certain: a record for each key, in a file that
// bbolt writes. It is the only room of the store that knows bbolt.
//
// Always true: what Apply was given is durable when it returns nil, all or none; damage of the
// file is ErrCorrupt and never ends the process; after it nothing is written any more.
//
// Guarded by: one goroutine writes; Walk may run beside it. May be lost: nothing that Apply
// has returned for. Never done here: what a record says (segstore/record). Goroutines: none.
package index

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

const (
	asideName = "index.corrupt-" // and a number
	asideKept = 4
)

var bucketName = []byte("objects")

// Index is what is on the disk for certain: a record for each key. It is written by one
// goroutine.
type Index struct {
	db *bbolt.DB
	// broken is set by the first write that met damage: bbolt may hold its locks
	// for good after that. Owned by who writes, read after its end.
	broken error
}

// ErrCorrupt says that the file is damaged: it can be moved aside.
var ErrCorrupt = errors.New("segstore: index is corrupt")

// Change is one key's new record; nil: none.
type Change struct {
	Key    string
	Record []byte
}

// Open opens the index at path, or makes one, and calls see for each
// record. Damage is ErrCorrupt: path can be moved aside.
func Open(path string, see func(key string, record []byte)) (*Index, error) {
	var db *bbolt.DB
	before, absent := os.Stat(path)
	err := guarded(func() (err error) {
		db, err = bbolt.Open(path, 0o600, &bbolt.Options{
			Timeout:      time.Second, // this process holds the directory: only a stranger's tool
			FreelistType: bbolt.FreelistMapType,
			NoStatistics: true,
		})
		if err != nil {
			return err
		}
		return prepare(db, path)
	})
	x := &Index{db: db}
	if err == nil {
		err = x.Walk(see)
	}
	if err == nil {
		return x, nil
	}
	// What is not the system's fault, or a stranger's who has the file open, is the
	// file's. One that has just been made has none: the disk is full, and bbolt hides it.
	var system syscall.Errno
	fresh := absent != nil || before.Size() == 0
	if !fresh && !errors.As(err, &system) && !errors.Is(err, bolterrors.ErrTimeout) {
		err = fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	if db != nil {
		_ = guarded(db.Close)
	}
	if fresh {
		_ = os.Remove(path) // nothing is in it
	}
	return nil, err
}

func prepare(db *bbolt.DB, path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	return db.Update(func(tx *bbolt.Tx) error {
		if tx.Size() > info.Size() {
			return fmt.Errorf("%d of %d bytes are left", info.Size(), tx.Size())
		}
		if tx.Bucket(bucketName) != nil {
			return nil
		}
		_, err := tx.CreateBucket(bucketName)
		return err
	})
}

// Walk calls see for each record; the bytes are valid only inside.
func (x *Index) Walk(see func(key string, record []byte)) error {
	return guarded(func() error {
		return x.db.View(func(tx *bbolt.Tx) error {
			return tx.Bucket(bucketName).ForEach(func(k, v []byte) error {
				see(string(k), v)
				return nil
			})
		})
	})
}

// Apply makes the changes durable, all or none.
func (x *Index) Apply(changes []Change) error {
	if x.broken != nil {
		return x.broken
	}
	err := guarded(func() error {
		return x.db.Update(func(tx *bbolt.Tx) error {
			bucket := tx.Bucket(bucketName)
			for _, c := range changes {
				err := error(nil)
				if c.Record == nil {
					err = bucket.Delete([]byte(c.Key))
				} else {
					err = bucket.Put([]byte(c.Key), c.Record)
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
	})
	if errors.Is(err, ErrCorrupt) {
		x.broken = err
	}
	return err
}

// Close closes the file.
func (x *Index) Close() error {
	if x.broken != nil {
		return nil // the next start finds the damage and moves the file aside
	}
	return guarded(x.db.Close)
}

// guarded turns what bbolt does with a damaged file into an error: it reads the
// mapped file as it is, and may panic, or touch a page that is not there.
func guarded(work func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", ErrCorrupt, r)
		}
	}()
	return work()
}

// MoveAside keeps a damaged index for whoever wants to know what happened, and
// only the latest few.
func MoveAside(path string) (string, error) {
	olds, err := filepath.Glob(filepath.Join(filepath.Dir(path), asideName+"*"))
	if err != nil {
		return "", err
	}
	highest := 0
	for _, old := range olds {
		if n, err := strconv.Atoi(strings.TrimPrefix(filepath.Base(old), asideName)); err == nil {
			highest = max(highest, n)
		}
	}
	aside := filepath.Join(filepath.Dir(path), asideName+strconv.Itoa(highest+1))
	if err := os.Rename(path, aside); err != nil {
		return "", err
	}
	_ = os.Remove(filepath.Join(filepath.Dir(path), asideName+strconv.Itoa(highest+1-asideKept)))
	return aside, nil
}
