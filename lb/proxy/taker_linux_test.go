package proxy

import (
	"net"
	"net/http"
	"runtime"
	"testing"

	"tandem/internal/front/kernel"
	"tandem/lb/proxy/upstream"
)

const received = 100_000 // bytes

// receives is a connection on which so much came that nobody reads.
func receives(t *testing.T) *net.TCPConn {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	sends, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sends.Close() })
	c, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if _, err := sends.Write(make([]byte, received)); err != nil {
		t.Fatal(err)
	}
	return c.(*net.TCPConn)
}

// What an edge has sent and the viewer has not got is held for the viewer: on a loop by
// its splice,
func TestASpliceHoldsWhatWaitsForItsViewer(t *testing.T) {
	raw, err := receives(t).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	_ = raw.Control(func(fd uintptr) {
		r := &splice{exchange: exchange{conn: &upstream.Conn{FD: int(fd)}}}
		for r.Held() < received { // it is on its way
			runtime.Gosched()
		}
		without := r.Held()
		pipe, err := kernel.OpenPipe()
		if err != nil {
			t.Fatal(err)
		}
		defer pipe.Close()
		if n, err := pipe.Fill(int(fd), 1000); n != 1000 || err != nil {
			t.Fatal(n, err)
		}
		if in := r.Held(); (&splice{}).Held() != 0 || in > without {
			t.Errorf("%d bytes are held, %d before", in, without)
		} else if r.pipe = pipe; r.Held() != in+1000 {
			t.Errorf("%d bytes with what is in the pipe, %d without", r.Held(), in)
		}
	})
}

// and in goroutines by all of its attempts, until their response is over.
func TestResponsesHoldWhatWaitsForTheirViewer(t *testing.T) {
	var viewer, other Taker
	c := New(Config{}, Deps{})
	r, err := http.NewRequest(http.MethodGet, "/", nil)
	if err != nil {
		t.Fatal(err)
	}
	two := [2]*response{}
	for i := range two {
		k := c.response(recorder{http.Header{}}, r, Request{Target: "/", Taker: &viewer})
		k.attempt(upstream.Target{Edge: "edge-1"}) // has no connection yet
		a, u := k.attempt(upstream.Target{Edge: "edge-2"}), &upstream.Conn{}
		if err := u.Own(receives(t)); err != nil {
			t.Fatal(err)
		}
		a.live.Store(u)
		two[i] = k
	}
	for viewer.Held() < 2*received {
		runtime.Gosched()
	}
	both := viewer.Held()
	viewer.leave(two[0])
	if n := viewer.Held(); n < received || n > both-received || other.Held() != 0 {
		t.Errorf("%d bytes of %d", n, both)
	}
	viewer.leave(two[1])
	if n := viewer.Held(); n != 0 || len(viewer.served) != 0 {
		t.Errorf("%d bytes after all", n)
	}
}
