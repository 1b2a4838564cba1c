package proxy

import (
	"context"
	"errors"
	"io"
	"os"
	"syscall"
)

// Causes of a takeover: the label's only values.
const (
	CauseRefused = "refused"
	CauseReset   = "reset"
	CauseClosed  = "closed"
	CauseStalled = "motionless"
	CauseGarbage = "garbage"
	CauseLength  = "length"
	CauseStatus  = "status"
	CauseVersion = "version" // it holds another version than the one begun with
)

var (
	errStalled = errors.New("no byte for the limit")
	errSlow    = errors.New("slower than the floor")
	errStatus  = errors.New("failed without a reason")
	errVersion = errors.New("another version")
	errRefused = errors.New("the edge refuses the session")
	errViewer  = errors.New("the viewer has gone")
	errNobody  = errors.New("nobody is left to ask")
)

// CauseOf names an error of an attempt.
func CauseOf(err error) string {
	switch {
	case errors.Is(err, errStalled), errors.Is(err, errSlow), errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return CauseStalled
	case errors.Is(err, errGarbage):
		return CauseGarbage
	case errors.Is(err, errLength):
		return CauseLength
	case errors.Is(err, errStatus):
		return CauseStatus
	case errors.Is(err, errVersion):
		return CauseVersion
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return CauseRefused
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return CauseClosed
	default:
		return CauseReset
	}
}

// accuses tells whether a cause speaks against the edge itself, and not only
// against the copy that it holds.
func accuses(cause string) bool {
	switch cause {
	case CauseRefused, CauseReset, CauseClosed, CauseStalled, CauseGarbage:
		return true
	default:
		return false
	}
}
