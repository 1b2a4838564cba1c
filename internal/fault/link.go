package fault

import (
	"bytes"
	"errors"
	"net"
	"strconv"
	"sync"
	"time"
)

// errStruck ends a link as its fault wants it, not as its peers do.
var errStruck = errors.New("struck")

const (
	trickleEvery = 20 * time.Millisecond
	shortBy      = 100
)

// link is one connection through the proxy.
type link struct {
	p            *Proxy
	viewer, edge *net.TCPConn
	once         sync.Once
	gone         chan struct{} // closed with the link

	mu    sync.Mutex
	asked bool // guarded by mu; a request passed whose answer has not begun
}

func (l *link) close() {
	l.once.Do(func() {
		close(l.gone)
		_ = l.viewer.Close()
		_ = l.edge.Close()
		l.p.mu.Lock()
		delete(l.p.conns, l)
		l.p.mu.Unlock()
	})
}

// reset is called with the proxy's mu held or by the link itself; it leaves the
// map to close, which the link's goroutines come to.
func (l *link) reset() {
	_ = l.viewer.SetLinger(0)
	_ = l.viewer.Close()
	_ = l.edge.Close()
}

// requests passes what the viewer sends.
func (l *link) requests() {
	defer l.close()
	b := make([]byte, 16<<10)
	for {
		n, err := l.viewer.Read(b)
		if n > 0 {
			l.mu.Lock()
			l.asked = true
			l.mu.Unlock()
			if _, err := l.edge.Write(b[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// answers passes what the edge sends, and breaks it.
func (l *link) answers() error {
	var (
		b      = make([]byte, 64<<10)
		held   []byte // of a head that is not whole
		inHead = true
		a      answer
	)
	for {
		n, err := l.edge.Read(b)
		if err != nil {
			return err
		}
		part := b[:n]
		l.mu.Lock()
		if l.asked { // what comes now is a new answer
			l.asked, inHead, held = false, true, nil
		}
		l.mu.Unlock()
		if inHead {
			held = append(held, part...)
			head, rest, err := l.finalHead(held)
			if err != nil {
				return err
			}
			if held = rest; head == nil {
				continue
			}
			part, inHead = rest, false
			a = answer{l: l, left: lengthOf(head)}
			a.fault, a.changed = l.p.next()
			if err := a.head(head); err != nil {
				return err
			}
		}
		if err := a.body(part); err != nil {
			return err
		}
	}
}

// finalHead cuts off the head that a body follows, nil when it is not whole;
// interim answers before it pass.
func (l *link) finalHead(b []byte) (head, rest []byte, err error) {
	for {
		end := bytes.Index(b, []byte("\r\n\r\n"))
		if end < 0 {
			return nil, b, nil
		}
		head, rest = b[:end+4], b[end+4:]
		if !bytes.HasPrefix(head, []byte("HTTP/1.1 1")) {
			return head, rest, nil
		}
		if _, err := l.viewer.Write(head); err != nil {
			return nil, nil, err
		}
		b = rest
	}
}

func lengthOf(head []byte) int64 {
	for line := range bytes.SplitSeq(head, []byte("\r\n")) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		if bytes.EqualFold(name, []byte("Content-Length")) {
			n, err := strconv.ParseInt(string(bytes.TrimSpace(value)), 10, 64)
			if err == nil {
				return n
			}
		}
	}
	return -1
}
