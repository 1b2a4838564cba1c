package front

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
)

// records counts the records of TLS that come.
type records struct {
	net.Conn
	n    *atomic.Int64
	head []byte // of the next one, as far as it has come
	skip int    // bytes of this one's body that have not come
}

func (r *records) Read(b []byte) (int, error) {
	n, err := r.Conn.Read(b)
	for rest := b[:n]; len(rest) > 0; {
		took := min(r.skip, len(rest))
		r.skip, rest = r.skip-took, rest[took:]
		for len(r.head) < 5 && len(rest) > 0 {
			r.head, rest = append(r.head, rest[0]), rest[1:]
		}
		if len(r.head) == 5 {
			r.n.Add(1)
			r.skip, r.head = int(binary.BigEndian.Uint16(r.head[3:])), nil
		}
	}
	return n, err
}

// Over HTTP/2 each frame of a large body is one record of TLS, and those that are ready go
// out in one write. With its head a frame is 9 bytes longer than its body: of 16 KB it would
// be two.
func TestFrameOfHTTP2IsOneRecord(t *testing.T) {
	body := bytes.Repeat([]byte("tandem.."), 64<<10) // 512 KiB
	s, _ := h2Stage(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if n, err := w.Write(body); n != len(body) || err != nil {
			t.Error(n, err)
		}
	}), func(_ *stage, c *Config) { c.TLS.DynamicRecordSizingDisabled = true })
	var count atomic.Int64
	transport := &http.Transport{ForceAttemptHTTP2: true, DialTLSContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		over := tls.Client(&records{Conn: conn, n: &count}, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
		return over, over.HandshakeContext(ctx)
	}}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Get("https://" + s.addr)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil || resp.ProtoMajor != 2 || !bytes.Equal(got, body) {
		t.Fatalf("%s: %d bytes, %v", resp.Proto, len(got), err)
	}
	const others = 20 // of the handshake, settings, windows and heads
	if n, frames := count.Load(), int64(len(body)/(16<<10)); n > frames+others {
		t.Errorf("%d records for %d frames", n, frames)
	}
}
