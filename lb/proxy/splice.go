package proxy

import (
	"net/http"
	"time"

	"tandem/internal/front"
	"tandem/internal/front/kernel"
	"tandem/internal/h1"
	"tandem/internal/sealedhead"
	"tandem/internal/wire"
	"tandem/lb/proxy/upstream"
)

// Splicer carries responses to open sessions on one loop, as long as all goes well:
// a complete object of known length from the edge that the tables name. Whatever
// else happens (a miss, a body that grows, an edge that fails or falls silent, an
// answer that is out of the ordinary) is handed off to a goroutine (type response),
// with the connection to the edge, what was received, and where the viewer stands.
//
// Always true: a splice knows at every byte what is needed to finish its response
// from another edge; nothing that an edge has sent is in a splice's hands when it
// is handed off, but what the goroutine is given.
type Splicer struct {
	c       *Proxy
	deps    LoopDeps
	loop    *front.Loop
	pool    upstream.Pools
	waiting spliceList // for an edge, who waits longest first
	spare   []*splice
	pipes   []*kernel.Pipe
	answer  answer // that is being looked at
	sealing []byte // a request that is being sealed
	swept   time.Time
	glanced time.Time // when silence was looked for
}

// LoopDeps is what splices stand on.
type LoopDeps struct {
	Plan   func(h *h1.Request) (LoopRequest, bool) // false: the request is not for a splice
	Others func(partner string) func(tried []string) (upstream.Target, bool)
	Anew   func(r *http.Request, p *LoopRequest) func() (Request, bool) // for Request.Anew
	Taker  func(c *front.Conn) *Taker                                   // Request.Taker; nil: unknown
	Viewer func(c *front.Conn) string                                   // the viewer's address
	Served func(status int, sent int64)
	Forget func(r *http.Request, p *LoopRequest) // the session was refused
	Broken func(r *http.Request)                 // deferred: a response that nobody could finish
}

// LoopRequest is who is asked for what.
type LoopRequest struct {
	Target  string // request target
	First   upstream.Target
	Partner string
	Pair    wire.PairID
	Session wire.SessionID
	Stream  string
}

// Splicer is what a loop carries responses with.
func (c *Proxy) Splicer(deps LoopDeps, loop *front.Loop) *Splicer {
	return &Splicer{c: c, deps: deps, loop: loop, pool: upstream.NewPools(c.cfg.IdlePerEdge, c.dialer.Generations), swept: loop.Now()}
}

// splice is one response on its way, on a loop.
type splice struct {
	s      *Splicer
	viewer *front.Conn
	taker  *Taker // nil: unknown

	// What the viewer asked, and whom.
	text   string // the request's head
	method string
	plan   LoopRequest
	ticket *sealedhead.Ticket // seals the request, and opens the answer's head; nil: both are in clear
	number uint64             // of the request under it

	// How far it is. What was received counts as sent: nothing of it is left when the
	// response is handed off.
	promise
	exchange

	read   []byte       // of the body, in the loop's buffer: given at once, and what the viewer does not take is held
	held   []byte       // of the body, received and not yet taken by the viewer
	pipe   *kernel.Pipe // the same, where they don't pass through memory; nil: none
	eager  bool         // the viewer takes all that there is for it, up to now
	corked bool         // something was sent with the promise of more

	before, after *splice
	listed        bool
	life          uint32 // how often this place was used
}

// Serve is a front.Quick's. What it does not take is answered by view.
func (s *Splicer) Serve(c *front.Conn, h *h1.Request) bool {
	if h.Method != http.MethodGet && h.Method != http.MethodHead {
		return false
	}
	plan, ok := s.deps.Plan(h)
	if !ok {
		return false
	}
	ticket, ok := s.c.ticket(h, &plan)
	if !ok {
		return false
	}
	r := s.take()
	r.ticket = ticket
	r.viewer, r.text, r.method, r.plan = c, h.Text, h.Method, plan
	if s.deps.Taker != nil {
		r.taker = s.deps.Taker(c)
	}
	r.eager = r.taker.isEager()
	if !r.ask(h) {
		s.put(r)
		return false
	}
	s.c.budget.earn()
	return true
}

// Tick is a front.Quick's: silence is looked for.
func (s *Splicer) Tick(now time.Time) time.Time {
	if now.Sub(s.swept) > upstream.IdleLimit/6 {
		s.swept = now
		s.pool.Expire(now)
	}
	if s.waiting.first == nil {
		return time.Time{}
	}
	quarter := min(s.c.cfg.Silence, s.c.cfg.FirstByte, s.c.cfg.Connect) / 4
	if due := later(s.glanced.Add(glanceEvery), s.waiting.first.Since.Add(quarter)); now.Before(due) {
		return due
	}
	s.glanced = now
	for r := s.waiting.first; r != nil && now.Sub(r.Since) >= quarter; {
		next := r.after
		r.look(now)
		r = next
	}
	if s.waiting.first == nil {
		return time.Time{}
	}
	return later(now.Add(glanceEvery), s.waiting.first.Since.Add(quarter))
}

// glanceEvery is how exactly silence is measured; rounds may be far shorter, and
// those who wait many.
const glanceEvery = 10 * time.Millisecond

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// Close is a front.Quick's.
func (s *Splicer) Close() {
	s.pool.Sweep(func(*upstream.Conn) bool { return true })
	for _, p := range s.pipes {
		p.Close()
	}
	s.pipes = nil
}

// take is a splice to be filled in.
func (s *Splicer) take() *splice {
	n := len(s.spare)
	if n == 0 {
		return &splice{s: s}
	}
	r := s.spare[n-1]
	s.spare = s.spare[:n-1]
	return r
}

// spareMost bounds how many are kept for the next ones, and heldMost, in bytes, what each
// keeps of its buffer.
const (
	spareMost = 1024
	heldMost  = 8 << 10
)

// put takes back a splice that nobody uses any more.
func (s *Splicer) put(r *splice) {
	held := r.held[:0]
	if cap(held) > heldMost {
		held = nil
	}
	*r = splice{s: s, held: held, life: r.life + 1}
	if len(s.spare) < spareMost {
		s.spare = append(s.spare, r)
	}
}

// spliceList is in the order of since.
type spliceList struct{ first, last *splice }

// wait puts r at the end: from now on its edge is silent.
func (l *spliceList) wait(r *splice, now time.Time) {
	l.leave(r)
	r.Begin(now)
	r.listed = true
	if r.before = l.last; l.last != nil {
		l.last.after = r
	} else {
		l.first = r
	}
	l.last = r
}

func (l *spliceList) leave(r *splice) {
	if !r.listed {
		return
	}
	if r.before != nil {
		r.before.after = r.after
	} else {
		l.first = r.after
	}
	if r.after != nil {
		r.after.before = r.before
	} else {
		l.last = r.before
	}
	r.before, r.after, r.listed = nil, nil, false
}

var (
	_ front.Quick  = (*Splicer)(nil)
	_ front.Driver = (*splice)(nil)
	_ front.Holder = (*splice)(nil)
	_ front.Goer   = (*splice)(nil)
)
