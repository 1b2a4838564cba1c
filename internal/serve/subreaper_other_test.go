//go:build !linux

package serve

import "errors"

// adopts makes this process the parent of those whose own has ended.
func adopts() error { return errors.ErrUnsupported }
