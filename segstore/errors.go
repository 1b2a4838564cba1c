package segstore

import (
	"errors"
	"fmt"

	"tandem/segstore/files"
)

// ErrLocked says, while opening, that another process has the directory open.
var ErrLocked = files.ErrLocked

// While asking.
var (
	ErrKey     = errors.New("segstore: key is empty or longer than 4096 bytes")
	ErrClosed  = files.ErrClosed
	ErrAbsent  = errors.New("segstore: no complete copy")
	ErrChanged = errors.New("segstore: the copy has another ETag")
)

// While filling.
var (
	// ErrTooLarge says that the store does not take this object: the caller streams
	// it past the store.
	ErrTooLarge = errors.New("segstore: object does not fit into the store")
	// ErrFull is an ErrTooLarge of this moment: what is stored is being read, or
	// the disk takes nothing.
	ErrFull      = fmt.Errorf("segstore: no room can be made now: %w", ErrTooLarge)
	ErrMeta      = errors.New("segstore: metadata is too long")
	ErrOrder     = errors.New("segstore: Begin was called twice, or Write before Begin")
	ErrNoBegin   = errors.New("segstore: source ended without an object")
	ErrAbandoned = errors.New("segstore: no reader is left")
	ErrSize      = errors.New("segstore: body is not of the announced size")
	ErrDigest    = errors.New("segstore: body does not have the announced digest")
	ErrPanic     = errors.New("segstore: source panicked")
)

// While reading.
var (
	// ErrBroken says that an object will never be complete; it wraps the cause.
	ErrBroken = errors.New("segstore: object is broken")
	// ErrGrowing says that no byte is there yet at this offset; View.Wait waits.
	ErrGrowing = errors.New("segstore: byte is not there yet")
	errOffset  = errors.New("segstore: negative offset")
)
