package lb

import (
	"net/http"
	"strings"
	"time"

	"tandem/internal/front"
	"tandem/internal/ring"
	"tandem/internal/wire"
)

// relays carry responses to open sessions on one loop, as long as all goes well:
// a complete object of known length from the edge that the tables name. Whatever
// else happens (a miss, a body that grows, an edge that fails or falls silent, an
// answer that is out of the ordinary) is left to a carriage, in a goroutine, with
// the connection to the edge, what was received, and where the response stands.
//
// Always true: a relay knows at every byte what a carriage would need to finish
// the response from another edge; nothing that an edge has sent is in a relay's
// hands when it leaves, but what the carriage is given.
type relays struct {
	c       *carrier
	deps    relayDeps
	loop    *front.Loop
	idle    map[string][]*line // by address, the last used at the end
	waiting relayList          // for an edge, who waits longest first
	spare   []*relay
	pipes   []*pipe
	swept   time.Time
	glanced time.Time // when silence was looked for
}

// relayDeps is what relays stand on.
type relayDeps struct {
	plan   func(h *front.Head) (relayPlan, bool) // false: the request is not for a relay
	others func(partner string) func(tried []string) (target, bool)
	served func(status int, sent int64)
	forget func(r *http.Request, p *relayPlan) // the session was refused
	broken func(r *http.Request)               // deferred: a response that nobody could finish
}

// relayPlan is who is asked for what.
type relayPlan struct {
	to      string // the target
	first   target
	partner string
	pair    wire.PairID
	session wire.SessionID
	stream  string
}

func newRelays(c *carrier, deps relayDeps, loop *front.Loop) *relays {
	return &relays{c: c, deps: deps, loop: loop, idle: map[string][]*line{}, swept: loop.Now()}
}

// Relays is for a front.Config.
func (l *LB) Relays(loop *front.Loop) front.Quick {
	return newRelays(l.carrier, relayDeps{
		plan: l.plan, others: l.others, served: l.counts.served, broken: l.brokenOff,
		forget: func(r *http.Request, p *relayPlan) { l.forget(r, p.session, p.stream) },
	}, loop)
}

// relay is one response on its way.
type relay struct {
	s    *relays
	conn *front.Conn
	line *line

	// What the viewer asked, and whom.
	text   string // the request's head
	method string
	plan   relayPlan

	// What it was promised, from the moment begun is true.
	begun    bool
	status   int
	head     string // the edge's
	promised int64  // bytes of the body

	left   int64  // bytes of the body that the edge has not sent
	held   []byte // of the body, received and not yet taken by the viewer
	pipe   *pipe  // the same, where they don't pass through memory; nil: none
	eager  bool   // the viewer took all of it the last time
	keep   bool   // the edge keeps its connection
	corked bool   // something was sent with the promise of more
	posted bool   // it goes on in the next round

	asked   time.Time // when the edge was
	since   time.Time // when its silence began
	resumed bool      // the viewer had held the edge up until then
	longest time.Duration
	waited  time.Duration // for the edge, in the window of the slowest speed
	got     int64         // bytes in that window

	before, after *relay
	listed        bool
	life          uint32 // how often this place was used
}

// plan is inSession for the ordinary case: a good token, and an edge that nobody
// suspects.
func (l *LB) plan(h *front.Head) (relayPlan, bool) {
	path, _, _ := strings.Cut(h.Target, "?")
	text, rest, ok := wire.SplitPath(path)
	if !ok || strings.IndexByte(path, '%') >= 0 || len(path) > maxPath || !goodPath(rest) {
		return relayPlan{}, false
	}
	token, err := l.cfg.Secret.Verify(text, l.now())
	if err != nil {
		return relayPlan{}, false
	}
	stream, ours := token.StreamOf(rest)
	p := l.node.Placement()
	pair, placed := p.Pair(token.Pair)
	if !ours || !placed {
		return relayPlan{}, false
	}
	edge, partner := ring.Route(p, pair, token.Slot)
	first, ok := l.target(edge, nil)
	if !ok || l.suspects.suspected(edge) {
		return relayPlan{}, false
	}
	return relayPlan{to: h.Target, first: first, partner: partner, pair: pair.ID, session: token.SessionID, stream: stream}, true
}

// Serve is a front.Quick's. What it does not take is answered by view.
func (s *relays) Serve(c *front.Conn, h *front.Head) bool {
	if h.Method != http.MethodGet && h.Method != http.MethodHead {
		return false
	}
	plan, ok := s.deps.plan(h)
	if !ok {
		return false
	}
	r := s.take()
	r.conn, r.text, r.method, r.plan = c, h.Text, h.Method, plan
	if !r.ask(h) {
		s.put(r)
		return false
	}
	s.c.budget.earn()
	return true
}

// Tick is a front.Quick's: silence is looked for.
func (s *relays) Tick(now time.Time) time.Time {
	if now.Sub(s.swept) > idleLimit/6 {
		s.swept = now
		s.sweep(func(n *line) bool { return now.Sub(n.idleAt) > idleLimit })
	}
	if s.waiting.first == nil {
		return time.Time{}
	}
	quarter := min(s.c.cfg.Silence, s.c.cfg.FirstByte, s.c.cfg.Connect) / 4
	if due := later(s.glanced.Add(glanceEvery), s.waiting.first.since.Add(quarter)); now.Before(due) {
		return due
	}
	s.glanced = now
	for r := s.waiting.first; r != nil && now.Sub(r.since) >= quarter; {
		next := r.after
		r.look(now)
		r = next
	}
	if s.waiting.first == nil {
		return time.Time{}
	}
	return later(now.Add(glanceEvery), s.waiting.first.since.Add(quarter))
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
func (s *relays) Close() {
	s.sweep(func(*line) bool { return true })
	for _, p := range s.pipes {
		p.close()
	}
	s.pipes = nil
}

// take is a relay to be filled in.
func (s *relays) take() *relay {
	n := len(s.spare)
	if n == 0 {
		return &relay{s: s}
	}
	r := s.spare[n-1]
	s.spare = s.spare[:n-1]
	return r
}

// spareMost bounds what is kept for the next ones, of each kind.
const spareMost = 1024

// put takes back a relay that nobody uses any more.
func (s *relays) put(r *relay) {
	held := r.held[:0]
	if cap(held) > relayRead {
		held = nil
	}
	*r = relay{s: s, held: held, life: r.life + 1}
	if len(s.spare) < spareMost {
		s.spare = append(s.spare, r)
	}
}

// relayList is in the order of since.
type relayList struct{ first, last *relay }

// wait puts r at the end: from now on its edge is silent.
func (l *relayList) wait(r *relay, now time.Time) {
	l.leave(r)
	r.since, r.listed = now, true
	if r.before = l.last; l.last != nil {
		l.last.after = r
	} else {
		l.first = r
	}
	l.last = r
}

func (l *relayList) leave(r *relay) {
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
	_ front.Quick  = (*relays)(nil)
	_ front.Driver = (*relay)(nil)
)
