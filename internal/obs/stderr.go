package obs

import (
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"tandem/internal/outlet"
)

// readerLimit is how long whoever reads the log may keep everybody waiting, once: what
// comes while it takes nothing is dropped and counted. A server does not stand still, or
// end, because its log can't be written.
const readerLimit = 250 * time.Millisecond

// lines writes whole lines to a file that somebody else may read.
type lines struct {
	tell func(dropped int, err error) // writes a line to raw; set before the first one

	mu      sync.Mutex
	file    *os.File // guarded by mu, and written to by whoever has it
	stuck   bool     // guarded by mu: the last line was not taken
	torn    bool     // guarded by mu: of the last line the beginning was taken
	dropped int      // guarded by mu: lines that are not told yet
	why     error    // guarded by mu: of the last of them
}

// Write takes a line. It never fails: there is nobody to tell.
func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.catchUp() {
		l.dropped++
	} else if err := l.put(p); err != nil {
		l.dropped, l.why = l.dropped+1, err
	}
	return len(p), nil
}

// catchUp tells of what was dropped, if there is room again. The caller has the lock.
func (l *lines) catchUp() bool {
	if l.dropped == 0 {
		return true
	}
	n, why := l.dropped, l.why
	l.dropped = 0
	l.tell(n, why)
	if l.dropped > 0 { // not told either
		l.dropped = n
		return false
	}
	return true
}

// put writes to the file. The caller has the lock.
func (l *lines) put(p []byte) error {
	limit := readerLimit
	if l.stuck {
		limit = 0
	}
	if l.torn {
		p = append([]byte{'\n'}, p...)
	}
	n, err := outlet.Write(l.file, p, limit)
	if n > 0 {
		l.torn = p[n-1] != '\n'
	}
	l.stuck = errors.Is(err, outlet.ErrStuck)
	return err
}

// raw is what tell writes to, under the lock.
type raw struct{ *lines }

func (r raw) Write(p []byte) (int, error) {
	if err := r.put(p); err != nil {
		r.dropped, r.why = r.dropped+1, err
	}
	return len(p), nil
}

// own is the log of the process, once it has one.
var own struct {
	sync.Mutex
	*lines
}

// linesTo is where a logger writes that has the file, for people on a terminal.
func linesTo(file *os.File, node string) io.Writer {
	l := &lines{file: file}
	var out, direct io.Writer = l, raw{l}
	if isTerminal(file) {
		out, direct = zerolog.ConsoleWriter{Out: out, TimeFormat: time.TimeOnly}, zerolog.ConsoleWriter{Out: direct, TimeFormat: time.TimeOnly}
	}
	say := zerolog.New(direct).With().Timestamp().Str("node", node).Logger()
	l.tell = func(dropped int, err error) {
		say.Warn().Int("dropped", dropped).AnErr("error", err).Msg("lines of this log are lost")
	}
	own.Lock()
	defer own.Unlock()
	own.lines = l
	return out
}

// Stderr is where a command says why it ends: by way of its log, if it has one there,
// for who reads that may be gone.
func Stderr() io.Writer {
	own.Lock()
	defer own.Unlock()
	if own.lines != nil && own.file == os.Stderr {
		return own.lines
	}
	return os.Stderr
}
