//go:build !linux || portable

package front

import (
	"errors"

	"tandem/internal/front/kernel"
)

func pour(*kernel.Pipe, []byte) error { return errors.ErrUnsupported }
