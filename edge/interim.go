package edge

import (
	"net/http"
	"sync"
	"time"

	"tandem/edge/fetch"
	"tandem/edge/rules"
	"tandem/internal/wire"
)

// interim is what a request is told before its answer (RFC 9110 section 15.2): a
// node, that this edge is alive and waits for the origin (102); it and a viewer, what
// the origin says meanwhile, a 102 of its own to the viewer alone.
type interim struct {
	w    http.ResponseWriter
	node bool

	mu    sync.Mutex  // guards what follows, and the answer while they are on
	on    bool        // between Start and Stop
	timer *time.Timer // nil: viewers are not kept awake
}

// Start is a fetch.Waiting's.
func (i *interim) Start() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.on = true
	if i.node {
		i.timer = time.AfterFunc(fetch.WaitingEvery, i.tick)
	}
}

func (i *interim) tick() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.on {
		return
	}
	i.w.Header().Set(wire.HeaderWaiting, "1")
	i.w.WriteHeader(http.StatusProcessing)
	i.w.Header().Del(wire.HeaderWaiting)
	i.timer.Reset(fetch.WaitingEvery)
}

// Interim is a fetch.Waiting's.
func (i *interim) Interim(status int, h http.Header) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.on || status == http.StatusContinue || status == http.StatusSwitchingProtocols || i.node && status == http.StatusProcessing {
		return
	}
	own := i.w.Header()
	rules.Carry(own, h, func(string) bool { return true })
	i.w.WriteHeader(status)
	clear(own)
}

// Stop is a fetch.Waiting's.
func (i *interim) Stop() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.on = false
	if i.timer != nil {
		i.timer.Stop()
	}
}

var _ fetch.Waiting = (*interim)(nil)
