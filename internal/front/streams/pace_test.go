package streams

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"tandem/internal/front/h2"
)

// A client that takes nothing of an answer, or too little, loses its stream, and who takes
// it as fast as he has to loses nothing, however long that lasts.
func TestStreamThatNobodyTakesIsReset(t *testing.T) {
	const minRate, size = 1 << 10, 5 << 20 // more than a client's window
	for what, row := range map[string]struct {
		part  int // taken each time
		pause time.Duration
		slow  int
		rest  time.Duration // of the handler, in the middle of the answer
	}{
		"nothing":                {0, time.Hour, 1, 0},
		"64 KB in 5 s":           {64 << 10, 5 * time.Second, 0, 0},
		"4 KB each 20 min":       {4 << 10, 20 * time.Minute, 1, 0},
		"all, of an edge's hour": {1 << 20, 0, 0, time.Hour},
	} {
		synctest.Test(t, func(t *testing.T) {
			slow := 0
			ended := make(chan error, 1)
			s := newServer(t, func(w http.ResponseWriter, _ *http.Request) {
				_, err := w.Write(bytes.Repeat([]byte("x"), size/2))
				if time.Sleep(row.rest); err == nil {
					_, err = w.Write(bytes.Repeat([]byte("x"), size/2))
				}
				ended <- err
			}, func(c *Config) { c.MinRate, c.Slow = minRate, func() { slow++ } })
			body, hangUp := ask(s)
			began := time.Now()
			got := int64(0)
			for err := error(nil); err == nil; {
				time.Sleep(row.pause)
				n := int64(0)
				n, err = io.CopyN(io.Discard, body, int64(row.part))
				if got += n; row.part == 0 {
					break
				}
			}
			n, _ := io.Copy(io.Discard, body)
			_ = body.Close()
			err := <-ended
			if whole := err == nil && got+n == size; whole != (row.slow == 0) || slow != row.slow {
				t.Errorf("%s: %v after %v, %d bytes; %d were too slow", what, err, time.Since(began), got+n, slow)
			}
			hangUp()
		})
	}
}

// later is a Conn that takes what nobody reads yet.
type later struct {
	plain
	writes chan []byte
	over   chan struct{}
}

func newLater(conn net.Conn) *later {
	l := &later{plain: plain{Conn: conn}, writes: make(chan []byte, 1<<12), over: make(chan struct{})}
	go func() {
		for {
			select {
			case b := <-l.writes:
				_, _ = conn.Write(b)
			case <-l.over:
				return
			}
		}
	}()
	return l
}

func (l *later) Send(time.Duration) error {
	l.writes <- l.sealed
	l.sealed = nil
	return nil
}

// ask is one request of net/http's client.
func ask(s *Server) (body io.ReadCloser, hangUp func()) {
	var http2 http.Protocols
	http2.SetUnencryptedHTTP2(true)
	served := make(chan struct{})
	client := &http.Transport{Protocols: &http2, DialContext: func(context.Context, string, string) (net.Conn, error) {
		here, there := net.Pipe()
		go func() {
			defer close(served)
			conn := newLater(there)
			defer close(conn.over)
			s.Serve(context.Background(), conn, nil, new(h2.Meter))
		}()
		return here, nil
	}}
	r, err := client.RoundTrip(httptest.NewRequest(http.MethodGet, "http://lb.test/", nil))
	if err != nil {
		panic(err)
	}
	return r.Body, func() { client.CloseIdleConnections(); <-served }
}
