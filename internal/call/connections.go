package call

import (
	"net/http"
	"sync/atomic"
)

// Connections is a transport of which nobody new gets a connection that was dialled
// before the last Renew: with a certificate that the node has no more. Safe for use by
// several goroutines.
type Connections struct {
	now atomic.Pointer[http.Transport]
}

// NewConnections takes a transport over. It should have an IdleConnTimeout: what was under
// way in Renew ends by it.
func NewConnections(t *http.Transport) *Connections {
	c := &Connections{}
	c.now.Store(t)
	return c
}

// RoundTrip is http.RoundTripper.
func (c *Connections) RoundTrip(r *http.Request) (*http.Response, error) {
	return c.now.Load().RoundTrip(r)
}

// Renew has everybody who asks from now on ask by new connections. Idle ones are ended,
// and busy ones are not asked again.
func (c *Connections) Renew() {
	next := c.now.Load().Clone()
	c.now.Swap(next).CloseIdleConnections()
}

// CloseIdleConnections is for http.Client.
func (c *Connections) CloseIdleConnections() { c.now.Load().CloseIdleConnections() }
