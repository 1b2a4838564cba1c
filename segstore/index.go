package segstore

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

var bucketName = []byte("objects")

// index is what is on the disk for certain: a record for each key. It is written
// by the committer alone. The only file that knows bbolt.
type index struct {
	db *bbolt.DB
	// broken is set by the first write that met damage: bbolt may hold its locks
	// for good after that. Owned by the committer, read after its end.
	broken error
}

// change is one key's new record; nil: none.
type change struct {
	key    Key
	record []byte
}

// openIndex opens the index at path, or makes one, and calls see for each
// record. Damage is errIndexCorrupt: path can be moved aside.
func openIndex(path string, see func(key Key, record []byte)) (*index, error) {
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
	x := &index{db: db}
	if err == nil {
		err = x.walk(see)
	}
	if err == nil {
		return x, nil
	}
	// What is not the system's fault, or a stranger's who has the file open, is the
	// file's. One that has just been made has none: the disk is full, and bbolt hides it.
	var system syscall.Errno
	fresh := absent != nil || before.Size() == 0
	if !fresh && !errors.As(err, &system) && !errors.Is(err, bolterrors.ErrTimeout) {
		err = fmt.Errorf("%w: %w", errIndexCorrupt, err)
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

// walk calls see for each record; the bytes are valid only inside.
func (x *index) walk(see func(key Key, record []byte)) error {
	return guarded(func() error {
		return x.db.View(func(tx *bbolt.Tx) error {
			return tx.Bucket(bucketName).ForEach(func(k, v []byte) error {
				see(string(k), v)
				return nil
			})
		})
	})
}

// apply makes the changes durable, all or none.
func (x *index) apply(changes []change) error {
	if x.broken != nil {
		return x.broken
	}
	err := guarded(func() error {
		return x.db.Update(func(tx *bbolt.Tx) error {
			bucket := tx.Bucket(bucketName)
			for _, c := range changes {
				err := error(nil)
				if c.record == nil {
					err = bucket.Delete([]byte(c.key))
				} else {
					err = bucket.Put([]byte(c.key), c.record)
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
	})
	if errors.Is(err, errIndexCorrupt) {
		x.broken = err
	}
	return err
}

func (x *index) close() error {
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
			err = fmt.Errorf("%w: %v", errIndexCorrupt, r)
		}
	}()
	return work()
}
