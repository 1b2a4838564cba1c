package kernel

import (
	"runtime"
	"sync"
)

// spare are Go's processors beyond one a loop. While a loop waits for events Go
// counts its processor as in use; with none idle its monitor takes that one away
// at once, and the loop has to find another one at every event.
const spare = 2

// Processors is how many processors Go had before any server raised that.
var Processors = runtime.GOMAXPROCS(0)

// MakeRoom gives Go's scheduler processors for so many loops more, or less, and for the
// rest. What was given once is not taken back.
func MakeRoom(loops int) {
	processors.Lock()
	defer processors.Unlock()
	processors.loops += loops
	if runtime.GOMAXPROCS(0) < processors.loops+spare {
		runtime.GOMAXPROCS(processors.loops + spare)
	}
}

var processors struct {
	sync.Mutex
	loops int // of all servers; guarded by the mutex
}
