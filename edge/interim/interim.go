package interim

import (
	"maps"
	"net/http"
	"strconv"
	"sync"
	"time"

	"tandem/edge/fetch"
	"tandem/edge/rules"
	"tandem/internal/call"
	"tandem/internal/wire"
)

// Teller tells one request. It is a fetch.Waiting.
type Teller struct {
	w    http.ResponseWriter
	node bool
	of   Object // nil: nothing is known of it

	mu      sync.Mutex  // guards what follows, and the answer while they are on
	on      bool        // between Start and Stop
	timer   *time.Timer // nil: viewers are not kept awake
	unwatch func()
}

// Object is what is known of what is waited for (deadly.Object).
type Object interface {
	Broken() []string                // neighbours that broke off under it
	Answered() bool                  // the origin has begun to answer
	Read() bool                      // a manifest has come, and is being read
	Watch(tell func()) (stop func()) // of changes
}

// To tells whoever asked by an answer that has not begun.
func To(w http.ResponseWriter, node bool) *Teller { return &Teller{w: w, node: node} }

// About is To where something is known of what is waited for: whoever asked is told at once what
// this edge does that one might die of, and which neighbours broke off before.
func About(w http.ResponseWriter, node bool, of Object) *Teller {
	return &Teller{w: w, node: node, of: of}
}

// Start is a fetch.Waiting's.
func (t *Teller) Start() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.on = true; !t.node {
		return
	}
	t.timer = time.AfterFunc(fetch.WaitingEvery, t.tick)
	if t.of != nil {
		t.unwatch = t.of.Watch(t.Again)
	}
}

func (t *Teller) tick() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.on {
		return
	}
	t.say(call.Waits)
	t.timer.Reset(fetch.WaitingEvery)
}

// say says what this edge does; called with mu held.
func (t *Teller) say(what string) {
	said := call.Waiting{Name: what}
	if t.of != nil {
		if said.Asks = t.of.Broken(); t.of.Read() {
			said.Name = call.Reading
		}
	}
	t.w.Header().Set(wire.HeaderWaiting, said.String())
	t.w.WriteHeader(http.StatusProcessing)
	t.w.Header().Del(wire.HeaderWaiting)
}

// Again says at once what has changed: the origin answers, it is read, or asked for anew.
func (t *Teller) Again() {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case !t.on || !t.node:
	case t.of.Answered():
		t.say(call.Answered)
	default:
		t.say(call.Waits)
	}
}

// Interim is a fetch.Waiting's.
func (t *Teller) Interim(status int, h http.Header) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.on || status == http.StatusContinue || status == http.StatusSwitchingProtocols || t.node && status == http.StatusProcessing {
		return
	}
	own := t.w.Header()
	rules.Carry(own, h, func(string) bool { return true })
	t.w.WriteHeader(status)
	clear(own)
}

// Stop is a fetch.Waiting's. It may be called again.
func (t *Teller) Stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.on = false
	if t.timer != nil {
		t.timer.Stop()
	}
	if t.unwatch != nil {
		t.unwatch()
		t.unwatch = nil
	}
}

var _ fetch.Waiting = (*Teller)(nil)

// Late is an answer that begins with its first byte: an origin may say its head at once and
// its body later, and a balancer would take the edge for one that hangs, and ask another.
// It sends on what comes as it comes, for what is not stored may never end.
type Late struct {
	*Teller
	board  *Board
	end    func() // nil: the body is not on the board
	Status int
	Header http.Header // the answer's, until it begins
	begun  bool
}

// Late is for whoever is told by t, which tells from now on, until Stop.
func (t *Teller) Late(b *Board) *Late {
	t.Start()
	return &Late{Teller: t, board: b, Header: http.Header{}}
}

// Stop ends it all.
func (l *Late) Stop() {
	if l.Teller.Stop(); l.end != nil {
		l.end()
		l.end = nil
	}
}

// Begun tells whether anything of the answer was said.
func (l *Late) Begun() bool { return l.begun }

// Begin says the head.
func (l *Late) Begin() {
	if l.Teller.Stop(); !l.begun {
		l.begun = true
		maps.Copy(l.w.Header(), l.Header)
		l.w.WriteHeader(l.Status)
	}
}

func (l *Late) Write(b []byte) (int, error) {
	if size, err := strconv.Atoi(l.Header.Get("Content-Length")); !l.begun && l.node && (err != nil || size > len(b)) {
		l.Teller.Stop()
		l.w, l.end = l.board.Grows(l.w, nil) // silence may be the origin's
	}
	l.Begin()
	n, err := l.w.Write(b)
	if err == nil {
		_ = http.NewResponseController(l.w).Flush() // one that can't be flushed is sent all the same
	}
	return n, err
}

// Unheard is for a question that nobody waits for but who asks it: what the origin says
// before its answer is told to nobody.
type Unheard struct{}

// Start is a fetch.Waiting's.
func (Unheard) Start() {}

// Interim is a fetch.Waiting's.
func (Unheard) Interim(int, http.Header) {}

// Stop is a fetch.Waiting's.
func (Unheard) Stop() {}

var _ fetch.Waiting = Unheard{}
