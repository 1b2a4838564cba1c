package incoming

import (
	"io"
	"net"
	"strings"
	"testing"

	"tandem/internal/h1"
)

// A chunk's size may come digit by digit, to a Handler that reads much at once.
func TestSizesOfChunksThatComeInPartsAreSizes(t *testing.T) {
	const text = "1a;x=y\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n3\r\nabc\r\n0\r\nT: x\r\n\r\n"
	head := "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
	var h h1.Request
	if _, err := h.Parse([]byte(head), h1.Viewers); err != nil {
		t.Fatal(err)
	}
	client, server := net.Pipe()
	defer server.Close()
	go func() {
		defer client.Close()
		for i := range text {
			_, _ = io.WriteString(client, text[i:i+1])
		}
	}()
	in := New(h.Body(), nil, 0, Grace)
	in.From(server, nil)
	var body strings.Builder
	if _, err := io.CopyBuffer(struct{ io.Writer }{&body}, in, make([]byte, bodyBuffer)); err != nil {
		t.Fatal(err)
	}
	if want := "GET /x HTTP/1.1\r\nHost: a\r\nabc"; body.String() != want || !in.Ended() || len(in.Rest()) > 0 {
		t.Errorf("%q", body.String())
	}
}
