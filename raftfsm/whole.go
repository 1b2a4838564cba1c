package raftfsm

import (
	"errors"
	"fmt"
	"os"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

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
