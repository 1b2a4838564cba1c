package serve

import (
	"io"
	"os"
	"sync/atomic"
)

// PipeEnv tells a process that its standard input is a pipe held by whoever
// started it, and that it has to end when that pipe closes. A successor is given
// the same pipe.
const PipeEnv = "TANDEM_PARENT_PIPE"

// parentPipe tells whether this process was started so. Set once, by WatchParent.
var parentPipe atomic.Bool

// WatchParent ends this process when the one that started it is gone, however
// that ended. Only a demo and the tests start nodes so; a command line that is run
// by hand is on its own.
func WatchParent() {
	if os.Getenv(PipeEnv) == "" {
		return
	}
	parentPipe.Store(true)
	_ = os.Unsetenv(PipeEnv) // what this process starts in its turn has a pipe of its own
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(1)
	}()
}
