package proxy

import (
	"context"
	"time"

	"tandem/lb/proxy/upstream"
)

// connect finds an idle connection to the splice's edge, or opens one; false when
// that can't be begun here.
func (r *splice) connect() bool {
	u := r.s.pool.Get(r.plan.First, r.eager)
	if u == nil {
		var err error
		if u, err = r.s.c.dialer.OnLoop(r.s.loop, r.plan.First, r.eager); err != nil {
			if u = r.s.pool.GetWide(r.plan.First); u == nil { // better than none
				return false
			}
		}
	}
	u.UsedBy(r)
	r.conn = u
	return true
}

// Opened is an upstream.User's: connecting has ended.
func (r *splice) Opened() {
	if err := r.conn.Connected(); err != nil {
		r.end()
		r.handOff(err)
		return
	}
	u := r.conn
	r.speak()
	if r.conn == u && u.Readable() { // told with the same event, and never again
		r.arrived()
	}
}

// Arrived is an upstream.User's: the edge has sent something.
func (r *splice) Arrived() {
	if r.begun && r.s.loop.Queues() {
		r.viewer.Later() // what is long has its viewer's turn
		return
	}
	r.arrived()
}

// opened waits for a connection that is on its way: errStalled when it is not there within
// the limit, and may still come; errViewer when ctx has ended.
func opened(ctx context.Context, d *upstream.Dialling, limit time.Duration) (*upstream.Conn, error) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-d.Done():
	case <-timer.C:
		return nil, errStalled
	case <-ctx.Done():
		return nil, errViewer
	}
	u, err := d.Take()
	if err != nil && ctx.Err() != nil { // it may have been given up for that
		return nil, errViewer
	}
	return u, err
}
