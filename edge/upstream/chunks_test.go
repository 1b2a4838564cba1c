package upstream

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// What RFC 9112 lets an origin say in a chunk's line is read (section 7.1.1: white space
// before extensions), and a body whose last chunk has come is whole (section 8) though its
// connection ends before the empty line behind it; one whose last chunk has not come breaks.
func TestChunksThatAreOddAreRead(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	for name, row := range map[string]struct{ said, want string }{
		"white space before extensions":  {"5 ;a=b\r\nwhole\r\n6 \t; x = \"y z\"\r\n, body\r\n0 ; z\r\n\r\n", "whole, body"},
		"white space in extensions":      {"5; a = b\r\nwhole\r\n0\r\n\r\n", "whole"},
		"no empty line":                  {"5\r\nwhole\r\n0\r\n", "whole"},
		"no empty line behind a trailer": {"5\r\nwhole\r\n0\r\nX: y\r\n", "whole"},
		"a trailer":                      {"5\r\nwhole\r\n0\r\nX: y\r\nZ: \r\n\r\n", "whole"},
		"data like a chunk's line":       {"7\r\n5 ;a\r\n0\r\n0\r\n", "5 ;a\r\n0"},
		"a long chunk":                   {"1000 \r\n" + strings.Repeat("x", 4096) + "\r\n0\r\n", strings.Repeat("x", 4096)},
		"no last chunk":                  {"5\r\nwhole\r\n", ""},
		"half of a last chunk's line":    {"5\r\nwhole\r\n0", ""},
		"half of a trailer":              {"5\r\nwhole\r\n0\r\nX: y", ""},
		"a last chunk that is none":      {"5\r\nwhole\r\n\r\n", ""},
		"white space before a size":      {" 5\r\nwhole\r\n0\r\n\r\n", ""},
	} {
		for _, piece := range []int{1, 7, 1 << 20} {
			for _, at := range []string{"HTTP/1.1", "HTTP/1.0"} {
				url := raw(t, func(c net.Conn, _ string) {
					for b := at + head[len(at):] + row.said; b != ""; {
						n := min(piece, len(b))
						_, _ = io.WriteString(c, b[:n])
						if b = b[n:]; piece < 10 && len(b) < 60 {
							time.Sleep(100 * time.Microsecond) // most likely a packet of its own
						}
					}
				})
				_, got, err := newUnder(t, nil, of(url)).get("/x")
				if (err != nil) != (row.want == "") || err == nil && got != row.want {
					t.Errorf("%s, by %s in pieces of %d: %.20q, %v", name, at, piece, got, err)
				}
			}
		}
	}
}

// An answer without a body that names chunks is the whole of it, and the next one on its
// connection is read as it is.
func TestChunksOfAnAnswerWithoutABody(t *testing.T) {
	c := &oldChunks{}
	c.headed([]byte("HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n"), len("HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n"))
	if got := c.body.lacks(io.EOF); got != nil {
		t.Errorf("%q was put behind a head", got)
	}
	next := []byte("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n5 ;\n")
	c.headed(next, len(next)-len("\r\n5 ;\n"))
	if string(next[len(next)-4:]) != "5 ;\n" {
		t.Errorf("a body with a length was changed: %q", next)
	}
}
