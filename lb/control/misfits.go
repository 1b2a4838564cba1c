package control

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"tandem/internal/call"
	"tandem/internal/identity"
	"tandem/internal/rights"
	"tandem/internal/ring"
	"tandem/internal/wire"
)

// How long it is told of a node that it was refused, and what its clock says.
const (
	refusedFor = 30 * time.Second
	clockFor   = 10 * time.Second
)

// OddClock is by how much a clock is another one than this balancer's: reports that take
// their time are no clocks.
const OddClock = 10 * time.Second

// Refusal is why a node of this cluster and the others don't hear each other, and what
// to do.
type Refusal struct{ Text, Next string }

// Misfits are nodes that don't fit: who shows another secret, or a certificate that is
// no good, and whose clock differs. Only nodes that the placement names are kept. A stranger
// may call himself by such a name and be refused: so it is told of nodes alone that are not
// heard, and only where nothing better is known.
type Misfits struct {
	now func() time.Time
	log zerolog.Logger
	mu  sync.Mutex

	refused map[string]refusal // by node; guarded by mu
	clocks  map[string]clock   // by node; guarded by mu
}

type refusal struct {
	Refusal
	at time.Time
}

type clock struct {
	ahead time.Duration
	at    time.Time
}

func newMisfits(now func() time.Time, log zerolog.Logger) *Misfits {
	return &Misfits{now: now, log: log, refused: map[string]refusal{}, clocks: map[string]clock{}}
}

// names tells whether a placement knows a node by that name.
func names(p *wire.Placement, node string) bool {
	_, ok := p.Edge(node)
	return ok || slices.ContainsFunc(p.Balancers, func(b wire.Balancer) bool { return b.Name == node })
}

// caller notes that a node's call was refused here.
func (m *Misfits) caller(p *wire.Placement, r *http.Request, err error) {
	name := r.Header.Get(wire.HeaderFrom)
	if !names(p, name) {
		return
	}
	role := identity.Balancer
	if _, ok := p.Edge(name); ok {
		role = identity.Edge
	}
	if why, ok := refusalOf(err, role, name); ok {
		m.note(name, why)
		return
	}
	if r.TLS == nil && r.Header.Get(wire.HeaderAuth) != "" { // else it is nobody that means to be a node, or a node that asks for another's
		m.note(name, Refusal{"it shows another secret than this cluster's", "Give " + name + " this cluster's secret file, and start it again."})
	}
}

// callee notes that a node refused a call of this one, if that is why it failed.
func (m *Misfits) callee(role identity.Role, name string, err error) {
	if call.StatusOf(err) == http.StatusForbidden {
		if why := m.Refused(name); why != nil && why.Text != refusesUs { // its own calls have told more
			return
		}
		m.note(name, Refusal{refusesUs, "Give both the same secret file, or certificates of this cluster (tandem ticket), and start them again."})
		return
	}
	if why, ok := refusalOf(err, role, name); ok {
		m.note(name, why)
	}
}

// refusesUs is the text of the Refusal of a node that refused a call of this balancer.
const refusesUs = "it refuses what this balancer shows"

// shutOut tells that most of those who are to be here refuse this balancer: its certificate
// was revoked or has expired, or it shows another secret.
func (m *Misfits) shutOut(p *wire.Placement, self string) bool {
	nodes, refuse := 0, 0
	count := func(name string) {
		nodes++
		if why := m.Refused(name); why != nil && why.Text == refusesUs {
			refuse++
		}
	}
	for _, e := range p.Edges {
		if ring.Delivers(e.State) {
			count(e.Name)
		}
	}
	for _, b := range p.Balancers {
		if b.Name != self {
			count(b.Name)
		}
	}
	return 2*refuse > nodes
}

// refusalOf says in words why a node's certificate is refused, and by which commands it
// gets another one.
func refusalOf(err error, role identity.Role, name string) (Refusal, bool) {
	anew := fmt.Sprintf(" %s anew: tandem ticket %s %s --address HOST, and on it tandem join TICKET --identity DIR.", name, role, name)
	switch {
	case errors.Is(err, identity.ErrForeign):
		return Refusal{"its certificate is not of this cluster", "Join" + anew}, true
	case errors.Is(err, rights.ErrUnnamed):
		return Refusal{"it shows the secret and no certificate", "Start it with --identity. Where it has no certificate: join" + anew}, true
	case errors.Is(err, identity.ErrExpired):
		return Refusal{"its certificate has expired", "Look at the clock of " + name + "; else join" + anew}, true
	case errors.Is(err, identity.ErrClock):
		return Refusal{"its certificate is not valid yet", "Look at the clock of " + name + ", and at those of the others."}, true
	case errors.Is(err, identity.ErrRevoked):
		return Refusal{"its certificate is revoked", "If that was meant: " + removal(role, name) + ". Else join" + anew}, true
	}
	return Refusal{}, false
}

// removal is the command that takes a node out for good.
func removal(role identity.Role, name string) string {
	if role == identity.Balancer {
		return "tandem cluster remove-balancer " + name
	}
	return "tandem remove " + name
}

func (m *Misfits) note(name string, r Refusal) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.refused[name].Refusal != r { // until it is heard again
		m.log.Warn().Str("peer", name).Str("why", r.Text).Str("next", r.Next).Msg("a node and this balancer don't hear each other")
	}
	m.refused[name] = refusal{r, m.now()}
}

// told notes what a node's clock said when it was here this time; 0: it says nothing.
func (m *Misfits) told(name string, milliseconds int64, now time.Time) {
	if milliseconds == 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	ahead := time.UnixMilli(milliseconds).Sub(now)
	if ahead.Abs() > OddClock && m.clocks[name].ahead.Abs() <= OddClock {
		m.log.Warn().Str("peer", name).Stringer("ahead", ahead.Round(time.Second)).Msg("a node's clock is another one than this balancer's: set the one that is wrong (chrony, systemd-timesyncd)")
	}
	m.clocks[name] = clock{ahead, now}
	delete(m.refused, name) // it has been heard
}

// keep forgets nodes that are no longer in the cluster.
func (m *Misfits) keep(p *wire.Placement) {
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.DeleteFunc(m.refused, func(name string, _ refusal) bool { return !names(p, name) })
	maps.DeleteFunc(m.clocks, func(name string, _ clock) bool { return !names(p, name) })
}

// Refused is why a node and the others don't hear each other; nil: nothing is known.
func (m *Misfits) Refused(node string) *Refusal {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r, ok := m.refused[node]; ok && m.now().Sub(r.at) < refusedFor {
		return &r.Refusal
	}
	return nil
}

// Ahead is how far a node's clock is ahead of this one's, 0 where that is not known.
func (m *Misfits) Ahead(node string) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	if k, ok := m.clocks[node]; ok && m.now().Sub(k.at) < clockFor {
		return k.ahead
	}
	return 0
}
