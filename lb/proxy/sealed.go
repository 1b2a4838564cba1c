package proxy

import (
	"net/http"
	"strings"
	"sync/atomic"

	"tandem/internal/h1"
	"tandem/internal/sealedhead"
	"tandem/internal/wire"
)

// Sealed counts requests on connections to edges that are not encrypted, where nodes have
// names: their heads are sealed (internal/sealedhead).
type Sealed struct {
	Asked     atomic.Int64
	Elsewhere atomic.Int64 // of them, sent to TLS by the edge, or by an answer that was none
	Altered   atomic.Int64 // of those, answered with a head that was not the edge's
}

// Sealed are the counts.
func (c *Proxy) Sealed() *Sealed { return &c.sealed }

// manifests are how paths end that are asked for by TLS at once.
var manifests = []string{".m3u8", ".m3u", ".mpd"}

// ticket is what a request is sealed with; nil and true: it goes in clear, false: it goes
// by TLS, which is a goroutine's.
func (c *Proxy) ticket(h *h1.Request, plan *LoopRequest) (*sealedhead.Ticket, bool) {
	to := plan.First
	if !to.TLS {
		return nil, true
	}
	if c.deps.Tickets == nil || h.Method != http.MethodGet || len(h.Text) > sealedhead.MostHead/2 {
		return nil, false
	}
	path, _, _ := strings.Cut(plan.Target, "?")
	for _, end := range manifests {
		if len(path) >= len(end) && strings.EqualFold(path[len(path)-len(end):], end) {
			return nil, false
		}
	}
	k := c.deps.Tickets.Of(sealedhead.Edge{Name: to.Edge, Addr: to.Addr, Life: to.Incarnation})
	return k, k != nil
}

// sealed is the request that carries b.
func (r *splice) sealed(b []byte) []byte {
	r.s.c.sealed.Asked.Add(1)
	out := append(append(r.s.sealing[:0], "GET "+wire.PathSealed+" HTTP/1.1\r\nHost: "...), r.plan.First.Addr...)
	out = append(out, "\r\n"+wire.HeaderSealed+": "...)
	out, r.number = r.ticket.Seal(out, b)
	r.s.sealing = append(out, crlf+crlf...)
	return r.s.sealing
}

// unseal puts the head that an answer carries in its place: size is how long the outer one
// is, 0 or err where there is none, came what followed it. False: it is none for the
// viewer, and the request is asked by TLS.
func (r *splice) unseal(y *answer, size, came int, err error) bool {
	s := r.s
	if size == 0 || err != nil {
		r.handOff(nil)
		return false
	}
	text, length, closes := y.sealed(), y.Length, y.Close
	if text == nil {
		if y.Status == http.StatusMisdirectedRequest && length == 0 && came == 0 && !closes {
			s.pool.Put(r.conn, s.loop.Now()) // it is for TLS
			r.conn = nil
		} else {
			s.c.deps.Tickets.Void(r.ticket)
		}
		r.handOff(nil)
		return false
	}
	inner, err := r.ticket.Open(text, r.number)
	if err == nil {
		_, err = y.parse(inner)
	}
	body := y.Body(r.method)
	if err != nil || body.Left() != length { // the edge has sealed how long it is
		s.c.sealed.Altered.Add(1)
		r.handOff(nil)
		return false
	}
	if !y.ordinary(r.method, came) {
		r.handOff(nil)
		return false
	}
	y.Close = y.Close || closes
	return true
}

// unsealed is for a response that a goroutine takes over. One that has begun goes on with
// its body, and the connection is no one's after it; else it is asked by TLS, and what came
// is not looked at. An edge that does not answer is judged then.
func (r *splice) unsealed(err error) (received []byte, why error) {
	if r.begun {
		r.closes = true
		return nil, err
	}
	r.s.c.sealed.Elsewhere.Add(1)
	r.end()
	r.exchange = exchange{Silence: r.Silence}
	if isWait(err) || err == errSlow {
		err = nil
	}
	return nil, err
}

// sealed is the head that an answer carries; nil: it carries none.
func (h *answer) sealed() []byte {
	for i := range h.Fields {
		if f := &h.Fields[i]; h1.Is(f.Name, sealedField) {
			return f.Value
		}
	}
	return nil
}

var sealedField = strings.ToLower(wire.HeaderSealed)
