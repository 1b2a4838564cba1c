package fault

import (
	"bytes"
	"strconv"
	"time"
)

// answer is one answer on its way, and its fault.
type answer struct {
	l       *link
	fault   Fault
	changed <-chan struct{} // closed when the proxy got another fault
	sent    int64           // bytes of the body
	left    int64           // of the body, -1: unknown
	slow    bool
}

// head passes the head, or what comes instead.
func (a *answer) head(head []byte) error {
	switch {
	case a.fault.At < 0 && a.strikesAtByte():
		return a.strike()
	case a.fault.Kind == Garbage:
		_, _ = a.l.viewer.Write([]byte("\x16\x03\x01 this is no answer\r\n\r\n"))
		a.l.close()
		return errStruck
	case a.fault.Kind == Status:
		_, _ = a.l.viewer.Write([]byte("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbad\n"))
		a.l.close()
		return errStruck
	case a.fault.Kind == Short && a.left >= 0:
		was, is := "Content-Length: "+strconv.FormatInt(a.left, 10), "Content-Length: "+strconv.FormatInt(a.left+shortBy, 10)
		head = bytes.Replace(head, []byte(was), []byte(is), 1)
	}
	_, err := a.l.viewer.Write(head)
	return err
}

func (a *answer) strikesAtByte() bool {
	switch a.fault.Kind {
	case Kill, Close, Stop, Trickle:
		return true
	default:
		return false
	}
}

// body passes bytes of the body up to the one where the fault strikes.
func (a *answer) body(b []byte) error {
	if a.slow {
		return a.drip(b)
	}
	if a.strikesAtByte() && a.sent+int64(len(b)) >= a.fault.At && a.left != 0 {
		before := b[:a.fault.At-a.sent]
		if _, err := a.l.viewer.Write(before); err != nil {
			return err
		}
		a.sent = a.fault.At
		if a.fault.Kind == Trickle {
			a.slow = true
			return a.drip(b[len(before):])
		}
		if err := a.strike(); err != nil {
			return err
		}
		b = b[len(before):] // it stood still and goes on
	}
	_, err := a.l.viewer.Write(b)
	a.sent += int64(len(b))
	if err == nil && a.left >= 0 && a.sent >= a.left {
		return a.after()
	}
	return err
}

// after comes behind the last byte.
func (a *answer) after() error {
	switch a.fault.Kind {
	case Short:
		a.l.close()
		return errStruck
	case Long:
		_, err := a.l.viewer.Write([]byte("bytes that belong to nothing"))
		a.fault = Fault{}
		return err
	default:
		return nil
	}
}

func (a *answer) strike() error {
	switch a.fault.Kind {
	case Kill:
		a.l.reset()
		a.l.close()
		return errStruck
	case Close:
		a.l.close()
		return errStruck
	default: // Stop, and Trickle before the head, which is no different
		select {
		case <-a.changed:
			a.fault = Fault{}
			return nil
		case <-a.l.gone:
			return errStruck
		}
	}
}

// drip passes bytes one by one.
func (a *answer) drip(b []byte) error {
	tick := time.NewTicker(trickleEvery)
	defer tick.Stop()
	for i := range b {
		select {
		case <-a.l.gone:
			return errStruck
		case <-a.changed: // healed
			a.slow, a.fault = false, Fault{}
			_, err := a.l.viewer.Write(b[i:])
			return err
		case <-tick.C:
		}
		if _, err := a.l.viewer.Write(b[i : i+1]); err != nil {
			return err
		}
	}
	return nil
}
