package front

import (
	"net/http"
	"strconv"
	"time"

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
	c.Respond(appendRefusal(c.loop.Scratch(), m), Body{Bytes: append([]byte(m.Why), '\n')})
}

// appendRefusal begins the head of an answer that says why a request is refused, but
// for the reason itself, which is its body.
func appendRefusal(b []byte, m *h1.Malformed) []byte {
	b = append(AppendStatus(b, m.Status), "Content-Type: text/plain; charset=utf-8\r\nCache-Control: no-store\r\nAccess-Control-Allow-Origin: *\r\n"...)
	b = append(strconv.AppendInt(append(b, "Content-Length: "...), int64(len(m.Why)+1), 10), "\r\n"...)
	return append(time.Now().UTC().AppendFormat(append(b, "Date: "...), http.TimeFormat), "\r\n"...)
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
