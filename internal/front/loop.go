package front

import (
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"tandem/internal/front/fair"
	"tandem/internal/front/kernel"
	"tandem/internal/h1"
)

const (
	readBuffer = 64 << 10    // of a loop, in bytes
	longest    = time.Second // that a loop sleeps
	lingerFor  = 500 * time.Millisecond
	halfFor    = 5 * time.Second // for the answer to one that sends no more
	paceEvery  = 4 * time.Second // twice in a row too slow is slow: after 8 to 12 s

	// A goroutine that is not rescheduled for 10 ms is made to, by a signal; a loop
	// does it by itself a little earlier, for less.
	yieldEvery = 8 * time.Millisecond
)

// Source is who hears of a descriptor's events, always on its loop.
type Source interface {
	// Ready is told In, Out, Half and Gone, when they begin to be so.
	Ready(events uint32)
	// Wants tells of what it has to be told: of reading or writing that came to its
	// end. Only where there is no epoll it is asked.
	Wants() (in, out bool)
}

// Quick answers on its loop what needs no waiting.
type Quick interface {
	// Serve answers by Conn.Respond, takes the connection by Conn.Take, or returns
	// false: then the request goes to the Handler. h is reused afterwards.
	Serve(c *Conn, h *h1.Request) bool
	// Tick is called after each round of events; it returns when it wants to be
	// called at the latest, zero when nothing is awaited.
	Tick(now time.Time) time.Time
	// Close is called once, when the loop ends.
	Close()
}

// Loop waits for many descriptors with one goroutine. All but Post is for that
// goroutine only.
type Loop struct {
	server *Server
	number int
	poll   *kernel.Poller
	wanted kernel.Wanted
	quick  Quick

	now     time.Time
	sources []watched  // by descriptor
	read    []byte     // what a socket is read into; nothing stays there
	scratch []byte     // heads of answers
	sealed  []byte     // records
	head    h1.Request // of the request that is being looked at
	behind  []told     // of this round, empty between rounds
	queue   *queue     // connections with something to do
	queues  bool       // so much is to do that clients have their turns
	serves  *flow      // whose it is
	starts  starts
	heads   list // connections whose head has not come yet
	idle    list
	linger  list
	halves  list // requests are away of clients that send no more
	trials  list // connections on trial
	onTrial int
	paced   time.Time // when pace began
	pacing  bool      // it goes on in the next round,
	next    int       // with this descriptor
	least   uint64    // that a client has to take
	weighed weighing
	date    []byte // the Date field of the second dated
	dated   int64
	accepts *acceptor
	ended   bool

	held atomic.Int64 // connections

	mu    sync.Mutex
	inbox []func() // guarded by mu
}

// watched tells a descriptor's source from those that had the same number.
type watched struct {
	source Source
	life   int32
	first  bool // it is told before those that are not
}

// told is an event of a source that is told of it later in the round.
type told struct {
	fd     int
	life   int32
	events uint32
}

func newLoop(s *Server, number int) (*Loop, error) {
	poll, err := kernel.OpenPoller()
	if err != nil {
		return nil, err
	}
	l := &Loop{server: s, number: number, poll: poll, now: time.Now(), read: make([]byte, readBuffer), scratch: make([]byte, 0, 64<<10), queue: newQueue()}
	l.starts.waiting = fair.New[netip.Prefix, func()]()
	l.wanted, l.paced = l.wants, l.now
	if s.cfg.Held != nil {
		l.weighed = weighing{share: s.cfg.Held.Join(), every: s.cfg.weighEvery, began: l.now}
	}
	if s.cfg.Quick != nil {
		l.quick = s.cfg.Quick(l)
	}
	return l, nil
}

// wants is what its sources have to be told of.
func (l *Loop) wants(tell func(fd int, life int32, in, out bool)) {
	for fd := range l.sources {
		if w := &l.sources[fd]; w.source != nil {
			in, out := w.source.Wants()
			tell(fd, w.life, in, out)
		}
	}
}

// release closes what newLoop has opened.
func (l *Loop) release() {
	if l.weighed.share != nil {
		l.weighed.share.Leave()
	}
	if l.quick != nil {
		l.quick.Close()
	}
	l.poll.Close()
}

// Now is the beginning of this round.
func (l *Loop) Now() time.Time { return l.now }

// Secure tells that its server's clients speak TLS.
func (l *Loop) Secure() bool { return l.server.cfg.TLS != nil }

// Number is the loop's own, from 0 on.
func (l *Loop) Number() int { return l.number }

// Scratch is an empty buffer that may be used until the caller returns.
func (l *Loop) Scratch() []byte { return l.scratch[:0] }

// ReadBuffer is what a source may read into; nothing stays there.
func (l *Loop) ReadBuffer() []byte { return l.read }

// Watch tells source of the descriptor's events until Forget.
func (l *Loop) Watch(fd int, source Source) error { return l.poll.Add(fd, l.enter(fd, source)) }

// WatchFirst is Watch for a source that is told of its events before all others are of those
// of the same round.
func (l *Loop) WatchFirst(fd int, source Source) error {
	life := l.enter(fd, source)
	l.sources[fd].first = true
	return l.poll.Add(fd, life)
}

func (l *Loop) addListener(fd int, source Source) error {
	return l.poll.AddListener(fd, l.enter(fd, source))
}

// enter makes source the descriptor's, in a new life.
func (l *Loop) enter(fd int, source Source) (life int32) {
	for fd >= len(l.sources) {
		l.sources = append(l.sources, make([]watched, max(64, len(l.sources)))...)
	}
	w := &l.sources[fd]
	w.life++
	w.source, w.first = source, false
	return w.life
}

// Forget ends Watch; the descriptor has to be closed, or watched by another
// loop, right after.
func (l *Loop) Forget(fd int) {
	l.sources[fd].source = nil
	l.poll.Forget(fd)
}

// forgetClosed is Forget for a descriptor that nobody else has: its last close
// takes it out of the epoll.
func (l *Loop) forgetClosed(fd int) { l.sources[fd].source = nil }

// Post runs f on the loop. It is not for after Server.Close.
func (l *Loop) Post(f func()) {
	l.mu.Lock()
	l.inbox = append(l.inbox, f)
	first := len(l.inbox) == 1
	l.mu.Unlock()
	if first {
		l.poll.Wake()
	}
}

// run is the loop's goroutine.
func (l *Loop) run() {
	next, yielded := time.Time{}, l.now
	for !l.ended {
		n, err := l.poll.Wait(l.wanted, l.sleep(next))
		if err != nil && !kernel.Temporary(err) {
			panic(kernel.SystemError("waiting for events", err)) // only a closed descriptor can cause it
		}
		l.now = time.Now()
		l.tell(n)
		l.heed()
		l.takeTurns()
		l.expire()
		if l.quick != nil {
			next = l.quick.Tick(l.now)
		}
		if l.now.Sub(yielded) > yieldEvery {
			runtime.Gosched()
			yielded = l.now
		}
	}
	l.release()
}

// tell tells the sources of n events.
func (l *Loop) tell(n int) {
	l.behind = l.behind[:0]
	for i := range max(n, 0) {
		fd, life, events := l.poll.Event(i)
		switch {
		case fd < 0: // woken
		case l.sources[fd].first:
			l.sources[fd].ready(life, events)
		default:
			l.behind = append(l.behind, told{fd, life, events})
		}
	}
	l.queues = len(l.behind) > fewEvents || l.queue.Len() > 0
	for _, e := range l.behind {
		w := &l.sources[e.fd]
		if c, ok := w.source.(*Conn); ok && l.queues && w.life == e.life && !sorts(c) {
			wait(c, e.events)
			continue
		}
		w.ready(e.life, e.events)
	}
}

// ready tells the source, if it is still the one that is meant.
func (w *watched) ready(life int32, events uint32) {
	if w.source != nil && w.life == life {
		w.source.Ready(events)
	}
}

// sleep is how long to wait for events, in milliseconds.
func (l *Loop) sleep(next time.Time) int {
	if l.queue.Len() > 0 || l.pacing || l.weighed.going {
		return 0
	}
	wait := longest
	if l.server.cfg.MinRate > 0 && l.held.Load() > 0 { // a client that takes nothing tells of nothing
		wait = min(wait, l.paced.Add(l.server.cfg.paceEvery).Sub(l.now))
	}
	for _, t := range [...]time.Time{next, l.heads.due(l.server.cfg.HeadTimeout), l.idle.due(l.server.cfg.IdleTimeout), l.linger.due(l.server.cfg.lingerFor), l.halves.due(l.server.cfg.halfFor), l.trials.due(trialFor)} {
		if !t.IsZero() {
			wait = min(wait, t.Sub(l.now))
		}
	}
	if wait <= 0 {
		return 0
	}
	return int((wait + time.Millisecond - 1) / time.Millisecond)
}

// heed runs what was posted.
func (l *Loop) heed() {
	l.mu.Lock()
	posted := l.inbox
	l.inbox = nil
	l.mu.Unlock()
	for _, f := range posted {
		f()
	}
}

// expire ends what has taken too long.
func (l *Loop) expire() {
	cfg := &l.server.cfg
	l.heads.expire(l.now, cfg.HeadTimeout, (*Conn).tooLong)
	l.idle.expire(l.now, cfg.IdleTimeout, (*Conn).close)
	l.linger.expire(l.now, cfg.lingerFor, (*Conn).close)
	l.halves.expire(l.now, cfg.halfFor, (*Conn).cancel)
	l.trials.expire(l.now, trialFor, (*Conn).Reset)
	l.pace()
	l.weigh()
}

// each calls f for every connection of the loop.
func (l *Loop) each(f func(*Conn)) {
	for i := range l.sources {
		if c, ok := l.sources[i].source.(*Conn); ok {
			f(c)
		}
	}
}

// drain lets go who waits for nothing.
func (l *Loop) drain() {
	l.accepts.stop()
	l.each(func(c *Conn) {
		if c.state == idle || c.state == heading && !c.partial {
			c.close()
		}
	})
}

// abort resets all connections; what is away is cancelled, and ends by itself.
func (l *Loop) abort() {
	l.accepts.stop()
	l.each((*Conn).Reset)
}
