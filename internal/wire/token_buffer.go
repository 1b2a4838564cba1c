package wire

import "sync"

// tokenBuffer is the memory that one Verify needs.
type tokenBuffer struct {
	text [TokenLength]byte
	raw  [tokenSize + 3]byte
	mac  [64]byte
}

var tokenBuffers = sync.Pool{New: func() any { return new(tokenBuffer) }}
