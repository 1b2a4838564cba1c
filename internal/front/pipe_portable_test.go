//go:build !linux || portable

package front

import "errors"

func pour(*Pipe, []byte) error { return errors.ErrUnsupported }

// bellOf is what a wake writes to.
func bellOf(l *Loop) int { return l.poll.ring }
