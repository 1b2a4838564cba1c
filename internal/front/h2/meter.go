package h2

import (
	"net/http"
	"sync/atomic"
)

// What a client may send that is no request's, in bytes.
const (
	Free      = 1 << 20 // a connection; nginx's figure
	perAsk    = 2 << 10 // and a request, beside its own size
	perField  = 32      // RFC 7541 section 4.1: what a field is beside its bytes
	bodyShare = 64      // and of as many bytes of a body one: what frames and TLS put around it
	sentShare = 8       // of as many bytes that a client is sent one: to open windows takes 35 bytes with TLS, for some KB
)

// Meter counts what a connection's client has sent and may send, in bytes as they are on
// the wire. A nil one counts nothing.
type Meter struct {
	received, asked, sent atomic.Int64
}

// Received notes bytes of the client; false: they are too many that ask for nothing.
func (m *Meter) Received(n int) bool {
	if m == nil {
		return true
	}
	return m.received.Add(int64(n)) <= Free+m.asked.Load()+m.sent.Load()/sentShare
}

// Sent notes bytes to the client.
func (m *Meter) Sent(n int) {
	if m != nil {
		m.sent.Add(int64(n))
	}
}

// Request notes one, whose head counts as RFC 9113 section 6.5.2 has it.
func (m *Meter) Request(r *http.Request) {
	if m == nil {
		return
	}
	n := perAsk + len(r.RequestURI) + len(r.Host) + len(r.Method) + 4*perField
	for name, values := range r.Header {
		for _, v := range values {
			n += len(name) + len(v) + perField
		}
	}
	m.asked.Add(int64(n))
}

// Body notes bytes of a request's.
func (m *Meter) Body(n int) {
	if m != nil {
		m.asked.Add(int64(n + n/bodyShare))
	}
}
