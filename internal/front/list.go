package front

import "time"

// list holds connections in the order in which they came into it; each is in one
// list at most. All of a list have the same time to live, so its first is due
// first.
type list struct{ first, last *Conn }

// push puts c at the end, out of the list in which it was.
func (l *list) push(c *Conn, now time.Time) {
	c.leave()
	c.since, c.in = now, l
	if c.before = l.last; l.last != nil {
		l.last.after = c
	} else {
		l.first = c
	}
	l.last = c
}

// leave takes c out of its list.
func (c *Conn) leave() {
	l := c.in
	if l == nil {
		return
	}
	if c.before != nil {
		c.before.after = c.after
	} else {
		l.first = c.after
	}
	if c.after != nil {
		c.after.before = c.before
	} else {
		l.last = c.before
	}
	c.in, c.before, c.after = nil, nil, nil
}

// due is when the first one's time is over; zero when there is none.
func (l *list) due(life time.Duration) time.Time {
	if l.first == nil {
		return time.Time{}
	}
	return l.first.since.Add(life)
}

// expire takes out those whose time is over, and ends them.
func (l *list) expire(now time.Time, life time.Duration, end func(*Conn)) {
	for c := l.first; c != nil && now.Sub(c.since) >= life; c = l.first {
		c.leave()
		end(c)
	}
}
