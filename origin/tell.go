package origin

import (
	"context"
	"net/http"
	"sync"
	"time"

	"tandem/internal/call"
	"tandem/internal/wire"
	"tandem/origin/ingest"
)

// Limits of telling edges, through a balancer, what was pushed.
const (
	tellLimit = time.Second            // for one balancer, and all edges behind it
	tellWait  = 500 * time.Millisecond // how long who pushes waits for it
)

// teller tells edges what was pushed over: what comes while they are being told goes
// together the next time.
type teller struct {
	*member
	wake chan struct{} // one place

	mu   sync.Mutex
	next *told // guarded by mu; nil: nothing is waiting
	deaf bool  // nobody has heard the last: who pushes waits for nobody; guarded by mu
}

// told is what is told at once.
type told struct {
	targets []string
	done    chan struct{} // closed when it was, or could not be
}

func newTeller(m *member) *teller { return &teller{member: m, wake: make(chan struct{}, 1)} }

// pushed tells of a target and returns when all edges have heard it; while no balancer
// answers, or an edge does not, what edges have is as old as it says, a second.
func (t *teller) pushed(ctx context.Context, target string) {
	t.mu.Lock()
	if t.next == nil {
		t.next = &told{done: make(chan struct{})}
	}
	now, deaf := t.next, t.deaf
	if len(now.targets) < call.MaxPushed {
		now.targets = append(now.targets, target)
	}
	t.mu.Unlock()
	select {
	case t.wake <- struct{}{}:
	default:
	}
	if deaf {
		return
	}
	limit := time.NewTimer(tellWait)
	defer limit.Stop()
	select {
	case <-now.done:
	case <-limit.C:
	case <-ctx.Done():
	}
}

// run tells until ctx ends.
func (t *teller) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.wake:
		}
		t.mu.Lock()
		now := t.next
		t.next = nil
		t.mu.Unlock()
		if now == nil {
			continue
		}
		what := call.Pushed{At: t.deps.Now().UnixMicro(), Targets: now.targets}
		err := t.anyBalancer(ctx, tellLimit, func(ctx context.Context, balancer string) error {
			return t.client.Ask(ctx, http.MethodPost, balancer+wire.PathPushed, what, nil)
		})
		t.mu.Lock()
		t.deaf = err != nil
		t.mu.Unlock()
		close(now.done)
	}
}

// tells has who pushes, or deletes, answered when the edges have heard of it.
func (t *teller) tells(by func(*ingest.Ingest, http.ResponseWriter, *http.Request)) func(*ingest.Ingest, http.ResponseWriter, *http.Request) {
	return func(in *ingest.Ingest, w http.ResponseWriter, r *http.Request) {
		by(in, &held{ResponseWriter: w, before: func(status int) {
			if status == http.StatusCreated || status == http.StatusNoContent {
				t.pushed(r.Context(), r.URL.EscapedPath())
			}
		}}, r)
	}
}

// held is an answer before whose head something is done.
type held struct {
	http.ResponseWriter
	before func(status int)
}

// WriteHeader is an http.ResponseWriter's.
func (h *held) WriteHeader(status int) {
	h.before(status)
	h.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (h *held) Unwrap() http.ResponseWriter { return h.ResponseWriter }
