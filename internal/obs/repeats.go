package obs

import (
	"fmt"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// Within a window, lines of the same level and text beyond the first few are counted
// in place of written: an outage of a minute is tens of lines, not thousands.
const (
	repeatWindow = 10 * time.Second
	repeatFirst  = 10   // lines of a text in a window that are written
	repeatTexts  = 1024 // texts that are known at once; what comes beyond is counted as one
)

// otherTexts is the text for all that are too many to be known.
const otherTexts = "other lines"

// repeats is a zerolog.Hook that counts. Each window has a timer, which ends with it
// and writes how many there were; no goroutine stays.
type repeats struct {
	say zerolog.Logger // without this hook

	mu    sync.Mutex
	texts map[repeat]*window // guarded by mu
}

type repeat struct {
	level zerolog.Level
	text  string
}

type window struct {
	timer   *time.Timer
	written int
	counted int
}

func newRepeats(say zerolog.Logger) *repeats {
	return &repeats{say: say, texts: map[repeat]*window{}}
}

// Run is a zerolog.Hook's. Errors are few, and an operator's order or a change of the
// cluster is never only counted.
func (r *repeats) Run(e *zerolog.Event, level zerolog.Level, text string) {
	if level > zerolog.WarnLevel || text == AuditEvent || text == ClusterEvent {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	key := repeat{level, text}
	w := r.texts[key]
	if w == nil && len(r.texts) >= repeatTexts {
		key = repeat{level, otherTexts}
		w = r.texts[key]
	}
	if w == nil {
		w = &window{}
		w.timer = time.AfterFunc(repeatWindow, func() { r.end(key, w) })
		r.texts[key] = w
	}
	if w.written < repeatFirst {
		w.written++
		return
	}
	w.counted++
	e.Discard()
}

// end ends a window, and begins the next one as long as the text goes on and on: of a
// text that never stops there is a line every window.
func (r *repeats) end(key repeat, w *window) {
	r.mu.Lock()
	n := w.counted
	w.counted = 0
	if n == 0 {
		delete(r.texts, key)
	} else {
		w.timer.Reset(repeatWindow)
	}
	r.mu.Unlock()
	if n > 0 {
		r.tell(key, n)
	}
}

func (r *repeats) tell(key repeat, n int) {
	r.say.WithLevel(key.level).Int("repeated", n).Str("within", repeatWindow.String()).
		Msg(fmt.Sprintf("%s (%s more times in %s)", key.text, grouped(n), repeatWindow))
}

// flush writes what has been counted so far: the process ends.
func (r *repeats) flush() {
	r.mu.Lock()
	var keys []repeat
	var counts []int
	for key, w := range r.texts {
		w.timer.Stop()
		if w.counted > 0 {
			keys, counts = append(keys, key), append(counts, w.counted)
		}
	}
	clear(r.texts)
	r.mu.Unlock()
	for i, key := range keys {
		r.tell(key, counts[i])
	}
}

// grouped writes 2000 as 2,000.
func grouped(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

var _ zerolog.Hook = (*repeats)(nil)
