package lb

import (
	"context"
	"errors"
	"io"
	"os"
	"syscall"
)

// Causes of a takeover: the label's only values.
const (
	causeRefused    = "refused"
	causeReset      = "reset"
	causeClosed     = "closed"
	causeMotionless = "motionless"
	causeGarbage    = "garbage"
	causeLength     = "length"
	causeStatus     = "status"
	causeVersion    = "version" // it holds another version than the one begun with
)

var (
	errMotionless = errors.New("no byte for the limit")
	errTrickle    = errors.New("slower than the floor")
	errStatus     = errors.New("failed without a reason")
	errVersion    = errors.New("another version")
	errViewer     = errors.New("the viewer has gone")
	errNobody     = errors.New("nobody is left to ask")
)

// causeOf names an error of an attempt.
func causeOf(err error) string {
	switch {
	case errors.Is(err, errMotionless), errors.Is(err, errTrickle), errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return causeMotionless
	case errors.Is(err, errGarbage):
		return causeGarbage
	case errors.Is(err, errLength):
		return causeLength
	case errors.Is(err, errStatus):
		return causeStatus
	case errors.Is(err, errVersion):
		return causeVersion
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return causeRefused
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return causeClosed
	default:
		return causeReset
	}
}

// accuses tells whether a cause speaks against the edge itself, and not only
// against the copy that it holds.
func accuses(cause string) bool {
	switch cause {
	case causeRefused, causeReset, causeClosed, causeMotionless, causeGarbage:
		return true
	default:
		return false
	}
}
