package front

import (
	"tandem/internal/front/outgoing"
	"tandem/internal/h1"
)

// refuse answers a head that can't be read, and ends the connection.
func (c *Conn) refuse(err error) {
	m, ok := err.(*h1.Malformed)
	if !ok {
		m = &h1.Malformed{Status: 400, Why: err.Error()}
	}
	if c.trial {
		c.Reset() // nothing is said to a stranger that is one too many
		return
	}
	c.leave()
	c.state, c.keep, c.input = busy, false, nil
	c.Respond(outgoing.AppendRefusal(c.loop.Scratch(), m), Body{Bytes: append([]byte(m.Why), '\n')})
}

// tooLong ends a connection whose head did not come in time. One that has sent
// nothing at all is not told anything.
func (c *Conn) tooLong() {
	if !c.partial || !c.entered {
		c.close()
		return
	}
	c.refuse(&h1.Malformed{Status: 408, Why: "the request's head did not arrive in time"})
}
