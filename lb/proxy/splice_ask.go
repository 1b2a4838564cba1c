package proxy

import (
	"strings"

	"tandem/internal/front/kernel"
	"tandem/internal/h1"
)

// ask finds a connection and sends the request; false: nothing was begun.
func (r *splice) ask(h *h1.Request) bool {
	for _, f := range h.Fields {
		if len(f.Name) == len("Connection") && strings.EqualFold(f.Name, "Connection") && !plainConnection(f.Value) {
			return false // it names fields that must not go on
		}
	}
	if !r.connect() {
		return false
	}
	r.viewer.Take(r)
	if r.conn.Opening() {
		r.s.waiting.wait(r, r.s.loop.Now())
		return true
	}
	r.say(h)
	return true
}

func plainConnection(value string) bool {
	return strings.EqualFold(value, "keep-alive") || strings.EqualFold(value, "close")
}

// speak sends the request on a connection that has just been opened.
func (r *splice) speak() {
	var h h1.Request
	if _, err := h.Parse([]byte(r.text), h1.Behind); err != nil {
		r.viewer.Reset() // it was parsed before
		return
	}
	r.say(&h)
}

func (r *splice) say(h *h1.Request) {
	s := r.s
	now := s.loop.Now()
	r.said = true
	s.waiting.wait(r, now)
	b := r.request(s.loop.Scratch(), h)
	if r.ticket != nil {
		b = r.sealed(b)
	}
	if n, err := kernel.Send(r.conn.FD, b, false); err != nil || n < len(b) {
		r.said = false
		r.handOff(nil) // it is asked anew, and what is wrong found out
	}
}

// request writes the request for the edge: the viewer's own, without what belongs
// to the viewer's connection. It is response.request for the ordinary case.
func (r *splice) request(b []byte, h *h1.Request) []byte {
	b = appendLine(b, h.Method, r.plan.Target, h.Host, r.plan.First)
	for _, f := range h.Fields {
		if !isUnsent(f.Name) {
			b = appendField(b, f.Name, f.Value)
		}
	}
	return r.s.c.appendOwn(b, r.plan.First, r.s.deps.Viewer(r.viewer), r.plan.Pair, r.s.loop.Secure())
}
