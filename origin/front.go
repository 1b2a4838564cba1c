package origin

import (
	"net/http"
	"runtime/debug"
	"time"

	"tandem/internal/budget"
	"tandem/internal/front"
	"tandem/internal/h1"
	"tandem/internal/wire"
)

// Bounds of a connection at the listener for viewers and edges.
const (
	idleFor   = 2 * time.Minute  // longer than edges keep theirs
	mostQueue = 128 << 10        // bytes of answers in the kernel that could not be sent yet
	pushGrace = 10 * time.Second // beyond --ingest-idle, which says why a push has ended
)

// Server is the listener for viewers, for who pushes and for edges: requests are read as
// strictly as edges read them, and what strangers can hold is bounded. h is Handler, or
// what stands before it.
func (o *Origin) Server(h http.Handler) *front.Server { return front.New(o.frontConfig(h)) }

// frontConfig asks no rate of bodies: a track that is pushed may say little.
func (o *Origin) frontConfig(h http.Handler) front.Config {
	c := o.config
	return front.Config{
		Handler: h, Limits: h1.Behind, HeadTimeout: c.HeaderTimeout, IdleTimeout: idleFor, MaxQueue: mostQueue,
		MinRate: c.MinRate, BodyGrace: c.IngestIdle + pushGrace,
		Enter: func(address string) (any, bool) {
			place, ok := o.limiter.Enter(address)
			return &place, ok
		},
		Proves: o.proves(),
		Leave:  func(held any) { o.limiter.Leave(held.(*budget.Place)) },
		Slow:   o.metrics.slow.Inc,
		Panic: func(r *http.Request, why any) {
			o.deps.Logger.Error().Interface("why", why).Str("path", r.URL.Path).Bytes("stack", debug.Stack()).Msg("a request panicked")
		},
	}
}

// proves tells whether a connection's first request is a node's, whose connections are
// never too many, nor too slow; nil: nodes have no secret to show here.
func (o *Origin) proves() func(held any, h *h1.Request) bool {
	if !o.deps.Secret.Valid() {
		return nil
	}
	return func(held any, h *h1.Request) bool {
		shown := o.deps.Secret.Shown(h.Get(wire.HeaderAuth))
		if shown {
			held.(*budget.Place).Node()
		}
		return shown
	}
}
