package obs

import (
	"fmt"
	"io"
	"log"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
)

// Logger makes the node's logger: JSON lines, or lines for people when the
// writer is a terminal. level is debug, info, warn or error.
func Logger(w io.Writer, node, level string) (zerolog.Logger, error) {
	if err := CheckLevel(level); err != nil {
		return zerolog.Nop(), err
	}
	if f, ok := w.(*os.File); ok {
		w = linesTo(f, node)
	}
	zerolog.TimeFieldFormat = timeFormat
	zerolog.TimestampFunc = func() time.Time { return time.Now().UTC() }
	SetLevel(level)
	plain := zerolog.New(zerolog.SyncWriter(w)).With().Timestamp().Str("node", node).Logger()
	counting := newRepeats(plain)
	logger := plain.Hook(counting)
	flush.Store(counting)
	log.SetFlags(0)
	log.SetOutput(library{logger})
	return logger, nil
}

// timeFormat is RFC 3339, in UTC, with milliseconds.
const timeFormat = "2006-01-02T15:04:05.000Z07:00"

// Texts of lines that are always written, however many there are.
const (
	AuditEvent   = "operator"      // an operator's order
	ClusterEvent = "cluster event" // a change of the cluster: a death, a return, a removal, a leader
)

// flush is what the newest Logger counts by.
var flush atomic.Pointer[repeats]

// Flush writes what was counted and not yet told. The process is about to end.
func Flush() {
	if r := flush.Load(); r != nil {
		r.flush()
	}
}

// CheckLevel says what is wrong with a level.
func CheckLevel(level string) error {
	if l, err := zerolog.ParseLevel(level); err != nil || l == zerolog.NoLevel {
		return fmt.Errorf("--log-level: %q is none of debug, info, warn, error", level)
	}
	return nil
}

// SetLevel changes what every logger of the process writes; the level is one that
// CheckLevel takes.
func SetLevel(level string) {
	if l, err := zerolog.ParseLevel(level); err == nil {
		zerolog.SetGlobalLevel(l)
	}
}

// library is where the standard library logs to: what it says of a peer may hold
// what the peer sent, at any length.
type library struct{ log zerolog.Logger }

const mostOfLibrary = 200 // bytes

func (l library) Write(p []byte) (int, error) {
	text := strings.TrimSpace(string(p))
	if len(text) > mostOfLibrary {
		text = strings.ToValidUTF8(text[:mostOfLibrary], "") + "..."
	}
	l.log.Warn().Str("by", "library").Msg(text)
	return len(p), nil
}

// isTerminal is true for a character device, which a log file never is.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
