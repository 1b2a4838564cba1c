package front

import (
	"context"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"tandem/internal/front/incoming"
	"tandem/internal/front/kernel"
	"tandem/internal/h1"
)

type state uint8

const (
	heading   state = iota // a head is awaited, or has come in part
	idle                   // between two requests
	busy                   // a request is being looked at
	writing                // an answer goes out
	taken                  // a Driver has it
	away                   // a goroutine has it
	lingering              // the last answer is written; what still comes is not read
	closed
)

// Driver has a connection for the length of an answer, on its loop.
type Driver interface {
	Writable() // after a Send that was not taken whole
	Gone()     // the client has reset the connection; it is closed when Gone returns
}

// Conn is a client's connection.
type Conn struct {
	loop   *Loop
	fd     int
	secure *secure        // nil: plain
	remote netip.AddrPort // who asks
	other  netip.AddrPort // the same, before a request has said more
	client any
	flow   *flow  // of who asks, on this loop; nil: not known yet
	events uint32 // of which it is told in its turn

	state    state
	keep     bool // the connection goes on after this answer
	readable bool // something may have come
	writable bool // nothing was left over by the last write
	half     bool // the client sends no more
	gone     bool // it takes no more either
	partial  bool // input begins with a part of a head
	entered  bool // its client is known, and counted
	behind   bool // a proxy says in each request who asks
	queued   bool // in Loop.queue
	more     bool // it has had its share, and goes on in its turn
	its      bool // what it asks next has its turn now
	owed     bool // it may not have taken all of the last answers
	fresh    bool // nobody has looked yet whether a node asks
	trial    bool // it is one too many, unless a node asks
	node     bool // it does

	input  []byte         // received and not used
	body   *incoming.Body // the body of the request that is away; nil: it has none
	out    output
	driver Driver
	stop   context.CancelFunc // of the request that is away

	acked uint64 // for pace
	asked bool
	slow  uint8

	stuck  time.Time // when it was first seen to have something to take, and since then it took nothing
	weight int64     // of that, in bytes
	took   uint64    // acknowledged by then

	since         time.Time // when it came into its list
	in            *list
	before, after *Conn
}

// Loop is the loop that owns the connection.
func (c *Conn) Loop() *Loop { return c.loop }

// Client is what Config.Enter gave.
func (c *Conn) Client() any { return c.client }

// Remote is the client's address.
func (c *Conn) Remote() netip.AddrPort { return c.remote }

// Keep tells whether the connection goes on after this answer.
func (c *Conn) Keep() bool { return c.keep }

// Wants is a Source's.
func (c *Conn) Wants() (in, out bool) { return !c.readable, !c.writable }

// Ready is a Source's.
func (c *Conn) Ready(events uint32) {
	c.readable = c.readable || events&(kernel.In|kernel.Half|kernel.Gone) != 0
	if events&kernel.Out != 0 {
		c.writable, c.stuck = true, time.Time{}
	}
	c.half = c.half || events&kernel.Half != 0 || !kernel.TellsHalf && c.state == away && kernel.Ended(c.fd)
	c.gone = c.gone || events&kernel.Gone != 0
	if c.writable && c.secure.pending() && c.secure.flush() != nil {
		c.Reset()
	}
	switch c.state {
	case heading, idle:
		c.receive()
	case writing:
		if c.gone {
			c.Reset()
		} else if c.writable {
			c.proceed()
		}
	case taken:
		if c.gone {
			c.Reset()
		} else if c.writable {
			c.driver.Writable()
		}
	case away:
		parts(c)
	case lingering:
		c.discard()
	}
}

// proceed goes on where the connection stands.
func (c *Conn) proceed() {
	if c.state == writing {
		c.flush()
	}
	switch c.state {
	case heading, idle:
		c.receive()
	case lingering:
		c.discard()
	case taken:
		if d, ok := c.driver.(Goer); ok {
			d.GoOn()
		}
	}
}

// receive reads requests and answers them, one after the other.
func (c *Conn) receive() {
	if !c.entered && !hearProxy(c) {
		return
	}
	for turn := 0; c.state == heading || c.state == idle; turn++ {
		if turn == c.loop.requestsMost() {
			c.Later()
			return
		}
		b := c.input
		if len(b) == 0 || c.partial {
			if b = c.next(); b == nil {
				return
			}
		}
		if handOver(c, b) {
			return
		}
		n, err := c.loop.head.Parse(b, c.loop.server.cfg.Limits)
		switch {
		case err != nil:
			c.refuse(err)
		case n == 0:
			c.await(b)
		default:
			if c.node && sorted(c, b) {
				return
			}
			c.use(b, n)
			c.dispatch(&c.loop.head)
		}
	}
}

// next reads from the socket: all that is there and not used, nil when nothing
// new has come.
func (c *Conn) next() []byte {
	if !c.readable {
		return nil
	}
	buffer := c.loop.read
	n, err := readNext(c, buffer)
	if n <= 0 {
		if err != nil || n == 0 {
			c.close()
		}
		return nil
	}
	if len(c.input) == 0 {
		return buffer[:n]
	}
	c.input = append(c.input, buffer[:n]...)
	return c.input
}

// readNext reads what there is: none and no error at the end, less than none when nothing
// is here now.
func readNext(c *Conn, b []byte) (n int, err error) {
	if c.secure != nil {
		if n, err = c.secure.receive(b); n == 0 && err == nil {
			n = -1
		}
		return n, err
	}
	if n, err = kernel.Receive(c.fd, b); n < 0 && kernel.Temporary(err) {
		c.readable, err = false, nil
	} else if n < len(b) && !c.half {
		c.readable = false // a new event tells of more
	}
	return n, err
}

// await keeps a part of a head until the rest comes.
func (c *Conn) await(b []byte) {
	if len(c.input) == 0 {
		c.input = kept(b)
	}
	c.partial = true
	if c.state == idle {
		c.state = heading
		c.loop.heads.push(c, c.loop.now)
	}
}

// use takes n bytes of what is received; what follows is kept for later.
func (c *Conn) use(b []byte, n int) {
	c.partial = false
	switch {
	case n == len(b):
		c.input = nil
	case len(c.input) > 0:
		c.input = b[n:] // its own already
	default:
		c.input = kept(b[n:])
	}
}

// kept is a copy outside the loop's buffer, nil for nothing.
func kept(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return append([]byte(nil), b...)
}

// dispatch sends a request on its way.
func (c *Conn) dispatch(h *h1.Request) {
	c.leave()
	if c.fresh && !c.loop.proves(c, h) {
		return
	}
	l := c.loop
	if c.behind {
		follow(c, h)
	}
	c.state = busy
	c.keep = !h.Close && h.Minor > 0 && !l.server.draining.Load() && !l.server.lameDuck.Load()
	switch {
	case h.Expect != "" && !strings.EqualFold(h.Expect, "100-continue"):
		c.refuse(&h1.Malformed{Status: 417, Why: "an expectation other than 100-continue"})
	case h.Target == "*": // OPTIONS, of the server as a whole
		c.keep = c.keep && !h.Bodied()
		c.Respond(l.AppendDate(append(AppendStatus(l.Scratch(), 200), "Content-Length: 0\r\n"...)), Body{})
	case !h.Bodied() && l.quick != nil && l.quick.Serve(c, h):
		l.server.cfg.Ways.Quick.Add(1)
	default:
		l.server.cfg.Ways.Away.Add(1)
		c.sendAway(h)
	}
}

// Done ends an exchange of a Driver, or of a goroutine; keep false closes the
// connection after it.
func (c *Conn) Done(keep bool) {
	c.driver = nil
	c.keep = c.keep && keep
	c.settle()
	if c.state == idle && (c.readable || len(c.input) > 0) {
		c.Later()
	}
}

// settle is the end of an answer.
func (c *Conn) settle() {
	if c.secure.pending() { // then it is not, yet
		c.state = writing
		return
	}
	c.owed = true
	if !c.keep || c.loop.server.draining.Load() {
		c.shut()
		return
	}
	c.state = idle
	c.loop.idle.push(c, c.loop.now)
}

// shut ends the sending side and lets the client read in peace: closed at once,
// a socket in which something lies unread resets what the client has not taken.
func (c *Conn) shut() {
	c.state = lingering
	if c.secure != nil {
		_ = c.secure.tls.CloseWrite()
		_ = c.secure.flush()
		c.secure.out = nil
	}
	_ = unix.Shutdown(c.fd, unix.SHUT_WR)
	c.loop.linger.push(c, c.loop.now)
	c.input = nil
	c.readable = true
	c.discard()
}

// discard reads what nobody wants, some at a time.
func (c *Conn) discard() {
	for range requestsAlone {
		n, err := kernel.Receive(c.fd, c.loop.read)
		if n <= 0 {
			if n < 0 && kernel.Temporary(err) {
				c.readable = false
				return
			}
			c.close()
			return
		}
	}
	c.Later()
}

// Reset ends the connection so that nobody takes what was sent for the whole.
func (c *Conn) Reset() {
	switch c.state {
	case closed:
		return
	case away:
		c.gone = true
		c.cancel()
		_ = unix.Shutdown(c.fd, unix.SHUT_RDWR) // a goroutine that writes must not go on waiting
		return
	case taken:
		driver := c.driver
		c.driver = nil
		c.state = busy
		if driver != nil {
			driver.Gone()
		}
	case writing:
		c.out.over(false)
	}
	if c.state == closed {
		return // by whom we told; its number may be another's by now
	}
	_ = unix.SetsockoptLinger(c.fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	c.close()
}

// close ends the connection in order.
func (c *Conn) close() {
	if c.state == closed {
		return
	}
	c.leave()
	c.loop.forgetClosed(c.fd)
	c.end()
}

// end closes the descriptor and gives the place back.
func (c *Conn) end() {
	c.state, c.input = closed, nil
	_ = unix.Close(c.fd)
	s := c.loop.server
	unknown(c)
	c.loop.tried(c)
	c.loop.held.Add(-1)
	s.open.Add(-1)
	if c.entered {
		s.cfg.Leave(c.client)
	}
}

// cancel ends a request that is away.
func (c *Conn) cancel() {
	if c.stop != nil {
		c.stop()
	}
}

// Take gives the connection to a Driver until Done, Away or Reset.
func (c *Conn) Take(d Driver) { c.state, c.driver = taken, d }

// Address is the client's without the port, as Config.Enter got it.
func (c *Conn) Address() string { return c.remote.Addr().String() }
