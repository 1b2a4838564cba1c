package front

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// storm is many clients that do whatever comes to their mind.
type storm struct {
	t     *testing.T
	addr  string
	over  atomic.Bool // from now on nothing needs to work
	whole atomic.Int64
}

// wish is a request.
type wish struct{ text, target, method string }

func (m *storm) request(r *rand.Rand) wish {
	size := [...]int{0, 1, 1000, smallBody, smallBody + 1, 40_000, 200_000}[r.IntN(7)]
	if r.IntN(30) == 0 {
		size = 3_000_000
	}
	target := fmt.Sprintf("/%s/%d?%d", [...]string{"mem", "file"}[r.IntN(2)], size, r.IntN(1e9))
	switch r.IntN(12) {
	case 0, 1, 2:
		target = fmt.Sprintf("/away?%d", size)
	case 3:
		target = fmt.Sprintf("/bodied?%d", size)
		n := r.IntN(5000)
		return wish{ask("POST", target, fmt.Sprint("Content-Length: ", n)) + strings.Repeat("x", n), target, "POST"}
	case 4:
		return wish{ask("HEAD", target), target, "HEAD"}
	}
	return wish{ask("GET", target), target, "GET"}
}

// check reads one answer.
func (m *storm) check(c net.Conn, r *bufio.Reader, s wish) error {
	resp, err := http.ReadResponse(r, &http.Request{Method: s.method})
	if err != nil {
		return err
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	var want []byte
	if size, from, ok := cutOf(s.target); ok && from != "" && s.method != "HEAD" {
		want = plenty()[:size]
	} else if !ok {
		var size int
		_, _ = fmt.Sscanf(s.target[strings.IndexByte(s.target, '?')+1:], "%d", &size)
		want = plenty()[:size]
	}
	if got := resp.Header.Get("X-Target"); resp.StatusCode != 200 || got != s.target || s.method != "HEAD" && !bytes.Equal(body, want) {
		m.t.Errorf("%s %s: %s to %q, %d bytes of %d", s.method, s.target, resp.Status, got, len(body), len(want))
	}
	m.whole.Add(1)
	return nil
}

// talk is one connection from its beginning to its end.
func (m *storm) talk(r *rand.Rand) {
	conn, err := net.Dial("tcp", m.addr)
	if err != nil {
		if !m.over.Load() {
			m.t.Error(err)
		}
		return
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	over, err := speaking(conn)
	if err != nil {
		if !m.over.Load() {
			m.t.Error(err)
		}
		return
	}
	c := &caller{conn.(*net.TCPConn), over, nil, bufio.NewReader(over)}
	var all []wish
	var text strings.Builder
	for range 1 + r.IntN(6) {
		s := m.request(r)
		all = append(all, s)
		text.WriteString(s.text)
	}
	cut := text.Len()
	if r.IntN(3) == 0 {
		cut = r.IntN(cut)
	}
	_, _ = io.WriteString(c, text.String()[:cut])
	end := r.IntN(10)
	reader := c.r
	switch {
	case end == 0: // at once
	case end == 1 || cut < text.Len(): // in the middle of an answer
		_, _ = io.CopyN(io.Discard, reader, r.Int64N(100_000)/int64(1+r.IntN(100)))
	default:
		if end == 2 {
			_ = c.CloseWrite()
		}
		for _, s := range all {
			if err := m.check(c, reader, s); err != nil {
				if !m.over.Load() {
					m.t.Errorf("%s %s: %v", s.method, s.target, err)
				}
				return
			}
		}
	}
	if end%2 == 0 {
		_ = c.SetLinger(0)
	}
}

func TestStormOfClientsLeavesNothingBehind(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	h := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("X-Target", r.RequestURI)
		var size int
		_, _ = fmt.Sscanf(r.URL.RawQuery, "%d", &size)
		_, _ = w.Write(plenty()[:size])
	}
	s := newStage(t, func(_ *stage, c *Config) {
		c.Handler = http.HandlerFunc(h)
		c.MinRate, c.paceEvery, c.lingerFor = 1, short, short
	})
	m := &storm{t: t, addr: s.addr}
	var all sync.WaitGroup
	for n := range 200 {
		all.Go(func() {
			for r := rand.New(rand.NewPCG(seed, uint64(n))); !m.over.Load(); {
				m.talk(r)
			}
		})
	}
	enough := func() bool { return m.whole.Load() >= 100 && s.ways.Quick.Load() > 0 && s.ways.Away.Load() > 0 }
	time.Sleep(2 * time.Second)
	for end := time.Now().Add(patience); !enough() && time.Now().Before(end); { // on a machine that is busy
		time.Sleep(10 * time.Millisecond)
	}
	m.over.Store(true)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if n := s.Connections(); n != 0 {
		t.Errorf("%d connections are left", n)
	}
	all.Wait()
	if !enough() {
		t.Errorf("%d answers: %d quick, %d away", m.whole.Load(), s.ways.Quick.Load(), s.ways.Away.Load())
	}
	t.Logf("%d answers: %d quick, %d away", m.whole.Load(), s.ways.Quick.Load(), s.ways.Away.Load())
}
