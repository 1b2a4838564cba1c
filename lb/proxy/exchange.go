package proxy

import (
	"slices"
	"time"

	"tandem/internal/call"
	"tandem/internal/h1"
	"tandem/lb/proxy/silence"
	"tandem/lb/proxy/upstream"
)

// exchange is how far one request to one edge has come, on a loop or in a goroutine.
type exchange struct {
	conn     *upstream.Conn // nil: none yet, or it is lost
	said     bool           // the request went out on it
	again    bool           // an idle connection had died unnoticed: asked again on a new one
	heard    bool           // a byte of an answer came
	answered bool           // its head
	closes   bool           // the connection can't be used again
	grows    bool           // the body is still being filled
	named    string         // how to ask whether it waits for the origin (wire.PathWaiting); "": by nothing
	asks     []string       // edges that it had asked for the object, and that broke off under it
	does     string         // its last word on what it does (call.Waiting); "": none, or the head has come
	doesAt   time.Time      // when it said so
	body     h1.Body
	silence.Silence
}

// waiting notes what the edge says of what it waits for, in an interim answer or its head.
func (x *exchange) waiting(h *answer, now time.Time) (name string) {
	if !h.Interim() {
		x.does = ""
	}
	if !h.waits {
		return ""
	}
	said := call.ParseWaiting(string(h.Get(waitingField)))
	if h.Interim() {
		x.does, x.doesAt = said.Name, now
	}
	for _, edge := range said.Asks {
		if !slices.Contains(x.asks, edge) && len(x.asks) < asksMost {
			x.asks = append(x.asks, edge)
		}
	}
	return said.Name
}

const asksMost = 8 // edges

// headFor is how long after an edge has said that the origin answers it may have died of that.
// It waits for the rest then, and whoever waits has finished what it can die of.
const headFor = 100 * time.Millisecond

// endangered tells whether an edge, by its own last word, did what it may have died of: it had
// just got an answer, or read a manifest that had come. One that is killed from outside
// is hardly ever so far with the same object as another one was that was killed before: that had
// died before this one began, and what both wait for, the origin's answer, kills nobody.
func (x *exchange) endangered(now time.Time) bool {
	return x.does == call.Reading || x.does == call.Answered && now.Sub(x.doesAt) <= headFor
}

// waitsFor is what the edge is waited for now.
func (x *exchange) waitsFor() silence.Kind {
	switch {
	case !x.answered:
		return silence.FirstByte
	case x.grows:
		return silence.Growing
	default:
		return silence.NextByte
	}
}

// end closes the connection.
func (x *exchange) end() {
	if x.conn != nil {
		x.conn.Close()
		x.conn = nil
	}
}

// stale is true for an idle connection that turns out to be closed: that says
// nothing of the edge, which is asked again on a new one.
func (x *exchange) stale(err error) bool {
	if !x.conn.Reused() || x.heard || x.again || isWait(err) {
		return false
	}
	x.again, x.said = true, false
	x.end()
	return true
}

// done is the end of an answer that went well: the connection is kept if nothing of the
// answer is left in it.
func (x *exchange) done(l *silence.Usual, p upstream.Pools, now time.Time) {
	if x.conn != nil && x.Longest > 0 {
		l.Learn(x.conn.Edge, x.waitsFor(), x.Longest)
	}
	if x.conn != nil && x.body.Ended() && !x.closes {
		p.Put(x.conn, now)
		x.conn = nil
	}
	x.end()
}

// more is what lies in the buffer of the body: none when more has to come first, or it
// has ended. The bytes count once they are used.
func (x *exchange) more() ([]byte, error) {
	skip, n, err := x.body.Next(x.conn.Buffered())
	if err != nil {
		return nil, errGarbage
	}
	x.conn.Use(skip)
	return x.conn.Buffered()[:n], nil
}

// use takes n bytes of the body out of the buffer.
func (x *exchange) use(n int) {
	x.conn.Use(n)
	x.body.Took(int64(n))
}
