package proxy

import (
	"strconv"
	"strings"

	"tandem/internal/front"
	"tandem/internal/h1"
	"tandem/internal/wire"
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
	if r.conn.opening {
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
	if n, err := front.Send(r.conn.fd, b); err != nil || n < len(b) {
		r.said = false
		r.handOff(nil) // it is asked anew, and what is wrong found out
	}
}

// request writes the request for the edge: the viewer's own, without what belongs
// to the viewer's connection. It is response.request for the ordinary case.
func (r *splice) request(b []byte, h *h1.Request) []byte {
	b = append(append(append(append(b, h.Method...), ' '), r.plan.Target...), " HTTP/1.1\r\n"...)
	b = appendField(b, "Host", h.Host)
	for _, f := range h.Fields {
		if !isUnsent(f.Name) {
			b = appendField(b, f.Name, f.Value)
		}
	}
	secret := r.s.c.deps.Secret
	b = appendField(b, wire.HeaderAuth, secret.Bearer())
	b = appendField(b, wire.HeaderFrom, r.s.c.deps.Name)
	b = appendField(b, wire.HeaderViewer, r.s.deps.Viewer(r.viewer))
	b = append(append(b, wire.HeaderPair...), ": "...)
	b = strconv.AppendUint(b, uint64(r.plan.Pair), 10)
	return append(b, "\r\n\r\n"...)
}
