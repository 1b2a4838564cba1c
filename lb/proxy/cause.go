package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"syscall"

	"tandem/internal/identity"
)

// Causes of a takeover: the label's only values.
const (
	CauseRefused = "refused"
	CauseReset   = "reset"
	CauseClosed  = "closed"
	CauseStalled = "stalled"
	CauseGarbage = "garbage"
	CauseLength  = "length"
	CauseStatus  = "status"
	CauseVersion = "version" // it holds another version than the one begun with
	CauseDeadly  = "deadly"  // edges died under the request: no further one is asked
)

var (
	errStalled = errors.New("upstream timed out")
	errSlow    = errors.New("upstream sends less than edge-slowest")
	errStatus  = errors.New("upstream failed without a reason")
	errOrigin  = fmt.Errorf("%w: the origin's answer broke off there", errStatus) // 502
	errVersion = errors.New("upstream has another version")
	errRefused = errors.New("upstream refuses the session")
	errViewer  = errors.New("client closed the connection")
	errNobody  = errors.New("no live upstreams")
	errDeadly  = errors.New("edges died under the request")
)

// CauseOf names an error of an attempt.
func CauseOf(err error) string {
	switch {
	case errors.Is(err, errStalled), errors.Is(err, errSlow), errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return CauseStalled
	case errors.Is(err, errGarbage):
		return CauseGarbage
	case errors.Is(err, errLength):
		return CauseLength
	case errors.Is(err, errStatus):
		return CauseStatus
	case errors.Is(err, errVersion):
		return CauseVersion
	case errors.Is(err, errDeadly):
		return CauseDeadly
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return CauseRefused
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return CauseClosed
	default:
		return CauseReset
	}
}

// lost tells that the edge itself failed, and not only the copy that it holds or the
// origin that it waits for. What it answered is none of this: two edges that answer
// alike have done what they were asked.
func (a *attempt) lost(cause string) bool {
	switch cause {
	case CauseRefused, CauseReset, CauseClosed:
		return true
	case CauseStalled:
		return !a.grows && !a.waits
	default:
		return false
	}
}

// What kills one edge may kill the next: a request of which so many edges have died is asked of
// no further one, and nobody's is; one under which so many have broken off, of whatever, is
// asked of no further one itself.
const (
	deathsMost = 2
	breaksMost = 3
	breakReach = 64 << 10 // bytes of an answer beyond which its edge broke off by another cause
)

// died notes an edge whose connection broke with the request on it, before much of the answer
// came, and whether it has died of the request, which it says itself: by its last word it had
// just begun with what it may die of (exchange.endangered). So whoever kills edges, two in one
// moment as well, has no object given up that is good: what they were giving, or waited for, they
// have not died of, and the second one was dead when the request came to it. One that was dead before, or silent,
// and any status say nothing of the request; nor does what was altered on the way, which the
// living find.
func (k *response) died(a *attempt, err error) {
	cause := CauseOf(err)
	if !a.said || cause != CauseReset && cause != CauseClosed || a.to.TLS && identity.Altered(err) || k.sent-a.from+a.skipped >= breakReach {
		return
	}
	if !slices.Contains(k.broke, a.to.Edge) {
		k.broke = append(k.broke, a.to.Edge)
	}
	if a.endangered(k.c.deps.Now()) && !slices.Contains(k.dead, a.to.Edge) {
		k.dead = append(k.dead, a.to.Edge)
		k.diedBefore(a)
	}
}

// diedBefore notes the edges that one which died had asked for the object, that broke off under
// it, while it lived on and asked itself, and that nobody can connect to any more: they have died
// of the same.
func (k *response) diedBefore(a *attempt) {
	if len(a.asks) == 0 || k.deadly() || k.c.deps.Gone == nil {
		return
	}
	ctx, cancel := context.WithTimeout(k.r.Context(), k.c.cfg.Connect)
	defer cancel()
	for _, edge := range a.asks {
		if !slices.Contains(k.dead, edge) && k.c.deps.Gone(ctx, edge) && k.r.Context().Err() == nil {
			k.dead = append(k.dead, edge)
		}
	}
}

// deadly tells that the request is asked of no further edge.
func (k *response) deadly() bool { return len(k.dead) >= deathsMost || len(k.broke) >= breaksMost }
