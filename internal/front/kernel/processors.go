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

// Turns are as many as there are processors: so many of whoever takes one reckon at a time.
// A thousand that are runnable at once keep a loop waiting, which lets Go have its processor
// for a moment: it comes back after all of them.
type Turns chan struct{}

func NewTurns() Turns { return make(Turns, Processors) }

func (t Turns) Take() { t <- struct{}{} }
func (t Turns) Give() { <-t }

// Waiting is for whoever waits meanwhile, for somebody who may never come; nil: it has no
// turn.
func (t Turns) Waiting(f func([]byte) (int, error), b []byte) (int, error) {
	if t == nil {
		return f(b)
	}
	t.Give()
	defer t.Take()
	return f(b)
}
