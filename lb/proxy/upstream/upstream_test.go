package upstream

import (
	"net"
	"testing"
	"time"
)

// A pool keeps what the next request can trust, as many as it may, and no large buffer.
func TestPoolKeepsWhatCanBeTrusted(t *testing.T) {
	edge, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer edge.Close()
	to, all := Target{Edge: "edge-1", Addr: edge.Addr().String()}, NewGenerations()
	d, p := Dialer{Limit: time.Second, Generations: all}, NewPools(2, all)
	for what, row := range map[string]struct {
		kept bool
		do   func(u *Conn)
	}{
		"as it is":                {true, func(*Conn) {}},
		"a large buffer":          {true, func(u *Conn) { u.Borrow() }},
		"its end was told":        {false, func(u *Conn) { u.ended = true }},
		"more than was announced": {false, func(u *Conn) { u.w = 1 }},
		"its edge died":           {false, func(*Conn) { all.End("edge-1") }},
		"the pool is full": {false, func(*Conn) {
			for range 2 {
				other, err := d.Dial(t.Context(), to, false)
				if err != nil {
					t.Fatal(err)
				}
				p.Put(other, time.Now())
			}
		}},
	} {
		u, err := d.Dial(t.Context(), to, false)
		if err != nil {
			t.Fatal(err)
		}
		row.do(u)
		before := p.Size()
		p.Put(u, time.Now())
		if kept := p.Size() > before; kept != row.kept || u.large != nil {
			t.Errorf("%s: kept is %v, a large buffer %v", what, kept, u.large != nil)
		}
		p.Sweep(func(*Conn) bool { return true })
	}
}

// A thousand streams of one client that takes nothing of them have no large buffer each.
func TestLargeBuffersAreBounded(t *testing.T) {
	var all []*Conn
	defer func() {
		for _, u := range all {
			u.giveBack()
		}
	}()
	borrowed := func() (n int) {
		for _, u := range all {
			if u.Borrow(); u.large != nil {
				n++
			}
		}
		return n
	}
	for range 3 * largeMost {
		all = append(all, &Conn{buf: make([]byte, Buffer)})
	}
	if n := borrowed(); n == 0 || n > largeMost {
		t.Errorf("%d have a large buffer; %d may", n, largeMost)
	}
	for _, u := range all[:2*largeMost] {
		u.giveBack()
	}
	if n := borrowed(); n == 0 || all[0].large == nil {
		t.Error("what was given back is nobody's")
	}
}
