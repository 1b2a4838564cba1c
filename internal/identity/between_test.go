package identity

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// between is a man in the middle of TCP: what he does to the records of TLS that one
// side sends is record's to say.
type between struct {
	t      *testing.T
	ln     net.Listener
	to     atomic.Value // string: where connections lead
	record atomic.Value // change: of the connections that begin then
	did    atomic.Int64 // records that were not passed as they came
	wg     sync.WaitGroup
}

// change is what becomes of a record.
type change func(up bool, nth int, record []byte) [][]byte

func untouched(_ bool, _ int, r []byte) [][]byte { return [][]byte{r} }

func newBetween(t *testing.T, to string) *between {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &between{t: t, ln: ln}
	b.to.Store(to)
	b.record.Store(change(untouched))
	b.wg.Go(func() {
		for {
			client, err := ln.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", b.to.Load().(string))
			if err != nil {
				_ = client.Close()
				continue
			}
			does := b.record.Load().(change)
			b.wg.Go(func() { b.pass(client, server, true, does) })
			b.wg.Go(func() { b.pass(server, client, false, does) })
		}
	})
	t.Cleanup(func() { _ = ln.Close(); b.wg.Wait() })
	return b
}

// pass hands on what one side sends, record by record (RFC 8446 section 5.1).
func (b *between) pass(from, to net.Conn, up bool, does change) {
	defer from.Close()
	defer to.Close()
	for nth := 0; ; nth++ {
		head := make([]byte, 5)
		if _, err := io.ReadFull(from, head); err != nil {
			return
		}
		record := append(head, make([]byte, binary.BigEndian.Uint16(head[3:]))...)
		if _, err := io.ReadFull(from, record[5:]); err != nil {
			return
		}
		out := does(up, nth, record)
		if len(out) != 1 || &out[0][0] != &record[0] {
			b.did.Add(1)
		}
		for _, r := range out {
			if _, err := to.Write(r); err != nil {
				return
			}
		}
	}
}

func flipped(record []byte, bit int) []byte {
	out := append([]byte(nil), record...)
	out[5+bit/8%(len(out)-5)] ^= 1 << (bit % 8)
	return out
}

// A man between two nodes flips bits, plays records back, puts others in and lets them
// overtake each other, in the handshake and after it, in both directions: no request
// and no answer is another one for it, the node that dialled counts him, and what he
// heard on one connection is worth nothing on the next.
func TestAManInTheMiddleChangesNothing(t *testing.T) {
	c := newTown(t)
	lb, edge := c.node(Balancer, "lb-1"), c.node(Edge, "edge-1")
	address, _ := serve(t, lb)
	var heard sync.Map // records of a connection that went well, by direction and place
	b := newBetween(t, address)
	b.record.Store(change(func(up bool, nth int, r []byte) [][]byte {
		heard.Store(fmt.Sprint(up, nth), append([]byte(nil), r...))
		return [][]byte{r}
	}))
	ask := func() (string, error) {
		client := caller(t, edge, Want{Role: Balancer, Node: "lb-1"})
		client.Timeout = 5 * time.Second
		client.Transport = &http.Transport{DialTLSContext: dialBy(edge, b.ln.Addr().String()), DisableKeepAlives: true}
		body := ""
		for range 2 {
			resp, err := client.Get("https://" + b.ln.Addr().String() + "/")
			if err != nil {
				return body, err
			}
			text, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if body = string(text); err != nil || !strings.HasSuffix(body, "/edge/edge-1") {
				return body, err
			}
		}
		return body, nil
	}
	if body, err := ask(); err != nil {
		t.Fatal(body, err)
	}
	for what, does := range map[string]change{
		"a bit is flipped":         func(_ bool, nth int, r []byte) [][]byte { return [][]byte{flipped(r, 37*nth+len(r)/2)} },
		"a record comes twice":     func(_ bool, _ int, r []byte) [][]byte { return [][]byte{r, r} },
		"a record is cut short":    func(_ bool, _ int, r []byte) [][]byte { return [][]byte{shortened(r)} },
		"a record of before is in": func(up bool, nth int, r []byte) [][]byte { return [][]byte{recorded(&heard, up, nth, r)} },
	} {
		if n := b.tried(what, edge, ask, does); n < 4 {
			t.Errorf("%s: counted %d times", what, n)
		}
	}
	// The ends are swapped: another node of the cluster answers.
	b.record.Store(change(untouched))
	other, _ := serve(t, c.node(Balancer, "lb-2"))
	b.to.Store(other)
	if body, err := ask(); err == nil || edge.Counts.Strange.Load() != 1 {
		t.Errorf("another node answers: %q, %d counted", body, edge.Counts.Strange.Load())
	}
}

// tried does one thing to one record after the other, and returns how often the node
// that dialled counted him.
func (b *between) tried(what string, edge *Bundle, ask func() (string, error), does change) (counted int) {
	for _, up := range []bool{true, false} {
		for nth := range 6 {
			b.did.Store(0)
			before := edge.Counts.Altered.Load()
			b.record.Store(change(func(way bool, n int, r []byte) [][]byte {
				if way != up || n != nth {
					return [][]byte{r}
				}
				return does(way, n, r)
			}))
			body, err := ask()
			if b.did.Load() == 0 {
				continue // there was no such record
			}
			if err == nil && !strings.HasSuffix(body, "/edge/edge-1") {
				b.t.Errorf("%s, up %v, record %d: the answer is %q", what, up, nth, body)
			}
			var late net.Error
			switch told := edge.Counts.Altered.Load() > before; {
			case told:
				counted++
			case err != nil && !ended(err) && !(errors.As(err, &late) && late.Timeout()):
				b.t.Errorf("%s, up %v, record %d: not counted: %v", what, up, nth, err)
			}
		}
	}
	return counted
}

// shortened is a record without its last byte, and with the length that it then has. One
// in clear stays whole: who is told of more than comes waits for it.
func shortened(record []byte) []byte {
	if record[0] == 22 {
		return record
	}
	out := append([]byte(nil), record[:len(record)-1]...)
	binary.BigEndian.PutUint16(out[3:], uint16(len(out)-5))
	return out
}

// recorded is what came at the same place of another connection, or the record itself
// where that was as long as none.
func recorded(heard *sync.Map, up bool, nth int, r []byte) []byte {
	if old, ok := heard.Load(fmt.Sprint(up, nth)); ok {
		return old.([]byte)
	}
	return r
}
