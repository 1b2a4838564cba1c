package budget

import (
	"sync"
	"time"

	"tandem/internal/wire"
)

// reachedFor is for how long it is told of a budget that it was used up.
const reachedFor = 30 * time.Second

// Watch tells which budgets were used up lately: what was refused beyond each is a count
// that has risen. A row a budget, in the order in which it is told.
type Watch struct {
	begins func(what string)

	mu   sync.Mutex
	rows []watched // guarded by mu
}

type watched struct {
	refused func() int64
	says    wire.Trouble
	seen    int64
	said    bool
	rose    time.Time
}

// Refused are the counts of what was refused beyond budgets; nil: there is no such one.
type Refused struct {
	Connections *Limiter
	Openings    func() int64 // of sessions, to clients that open more than they play
	Misses      func() int64 // of what is not stored, to clients over max-misses-per-client
	Relieved    func() int64 // connections for which the kernel held too much
}

// NewWatch watches a node's budgets; docs/limits.md lists all that there are. begins is
// told when one is used up that was not before.
func NewWatch(node string, of Refused, begins func(what string)) *Watch {
	w := &Watch{begins: begins}
	add := func(refused func() int64, text, next string) {
		if refused != nil {
			w.rows = append(w.rows, watched{refused: refused, says: wire.Trouble{Text: text, Next: next}})
		}
	}
	whose, proxy := "See whose connections they are (ss -tn on "+node+"). ", "A proxy of many viewers: name it (--trusted-proxies, --proxy-protocol)."
	log := "Its address is in the access log of " + node + ". "
	add(func() int64 { all, _ := of.Connections.BeyondEach(); return all }, "max-connections is reached, further clients are reset", whose+"A crowd: raise --max-connections, or add a node.")
	add(func() int64 { _, each := of.Connections.BeyondEach(); return each }, "max-connections-per-client is reached, further connections of that client are reset", whose+proxy)
	add(of.Openings, "a client opens more sessions than it plays and is refused (client_limit)", log+proxy)
	add(of.Misses, "max-misses-per-client is reached, that client gets 429 for what is not stored", log+"If it means well: raise --max-misses-per-client.")
	add(of.Relieved, "max-held is reached, clients that take nothing are reset", "Many clients on slow lines: raise --max-held of "+node+", and net.ipv4.tcp_mem with it.")
	return w
}

// Reached is what is to be said now. It has to be called again and again: between two
// calls a count has risen at some time.
func (w *Watch) Reached(now time.Time) (said []wire.Trouble) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.rows {
		r := &w.rows[i]
		if n := r.refused(); n > r.seen {
			r.seen, r.rose = n, now
		}
		reached := r.seen > 0 && now.Sub(r.rose) < reachedFor
		if reached {
			said = append(said, r.says)
		}
		if reached && !r.said {
			w.begins(r.says.Text)
		}
		r.said = reached
	}
	return said
}
