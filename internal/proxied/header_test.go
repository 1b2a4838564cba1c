package proxied

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"
	"strings"
	"testing"
)

// binary2 is a header of version 2.
func binary2(command, family byte, rest ...byte) string {
	b := append(append([]byte(nil), signature...), command, family)
	return string(append(binary.BigEndian.AppendUint16(b, uint16(len(rest))), rest...))
}

func joined(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

var (
	four = joined([]byte{203, 0, 113, 7, 10, 0, 0, 1}, []byte{0x12, 0x34, 0x1f, 0x90})
	six  = joined(netip.MustParseAddr("2001:db8::7").AsSlice(), netip.MustParseAddr("2001:db8::1").AsSlice(), []byte{0x12, 0x34, 0x1f, 0x90})
)

// headers are those of the protocol's text (haproxy, doc/proxy-protocol.txt), and what it
// forbids; from is empty where the connection is the proxy's own, "bad" where it has to end.
var headers = []struct{ what, text, from string }{
	{"four", "PROXY TCP4 203.0.113.7 10.0.0.1 4660 8080\r\n", "203.0.113.7:4660"},
	{"six", "PROXY TCP6 2001:db8::7 2001:db8::1 4660 8080\r\n", "[2001:db8::7]:4660"},
	{"six that is four", "PROXY TCP6 ::ffff:203.0.113.7 ::ffff:10.0.0.1 4660 8080\r\n", "203.0.113.7:4660"},
	{"unknown", "PROXY UNKNOWN\r\n", ""},
	{"unknown with more", "PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n", ""},
	{"as long as may be", "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe 65535 65535\r\n", "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"},
	{"a request", "GET / HTTP/1.1\r\n", "bad"},
	{"a request that looks so", "PROXYS / HTTP/1.1\r\n", "bad"},
	{"no addresses", "PROXY TCP4\r\n", "bad"},
	{"another family", "PROXY TCP4 2001:db8::7 2001:db8::1 1 2\r\n", "bad"},
	{"another family, the other way", "PROXY TCP6 203.0.113.7 10.0.0.1 1 2\r\n", "bad"},
	{"a zone", "PROXY TCP6 fe80::1%eth0 fe80::2 1 2\r\n", "bad"},
	{"UDP", "PROXY UDP4 203.0.113.7 10.0.0.1 1 2\r\n", "bad"},
	{"a port too large", "PROXY TCP4 203.0.113.7 10.0.0.1 65536 2\r\n", "bad"},
	{"a port with a zero", "PROXY TCP4 203.0.113.7 10.0.0.1 01 2\r\n", "bad"},
	{"an address with a zero", "PROXY TCP4 203.0.113.07 10.0.0.1 1 2\r\n", "bad"},
	{"two spaces", "PROXY TCP4  203.0.113.7 10.0.0.1 1 2\r\n", "bad"},
	{"one more word", "PROXY TCP4 203.0.113.7 10.0.0.1 1 2 3\r\n", "bad"},
	{"a bare end of line", "PROXY TCP4 203.0.113.7 10.0.0.1 1 2\n", "bad"},
	{"in small letters", "proxy TCP4 203.0.113.7 10.0.0.1 1 2\r\n", "bad"},
	{"too long", "PROXY UNKNOWN " + strings.Repeat("x", 100) + "\r\n", "bad"},
	{"2: four", binary2(0x21, 0x11, four...), "203.0.113.7:4660"},
	{"2: six", binary2(0x21, 0x21, six...), "[2001:db8::7]:4660"},
	{"2: with more", binary2(0x21, 0x11, joined(four, []byte{3, 0, 4, 1, 2, 3, 4})...), "203.0.113.7:4660"},
	{"2: local", binary2(0x20, 0, []byte("whatever")...), ""},
	{"2: local with addresses", binary2(0x20, 0x11, four...), ""},
	{"2: unspecified", binary2(0x21, 0), ""},
	{"2: UDP", binary2(0x21, 0x12, four...), ""},
	{"2: a local socket", binary2(0x21, 0x31, make([]byte, 216)...), ""},
	{"2: too short", binary2(0x21, 0x11, four[:11]...), "bad"},
	{"2: six too short", binary2(0x21, 0x21, four...), "bad"},
	{"2: no family", binary2(0x21, 0x41, four...), "bad"},
	{"2: no transport", binary2(0x21, 0x13, four...), "bad"},
	{"2: version 1", binary2(0x11, 0x11, four...), "bad"},
	{"2: no command", binary2(0x22, 0x11, four...), "bad"},
	{"2: too long", binary2(0x21, 0x11, make([]byte, binaryMost)...), "bad"},
	{"2: another signature", "\r\n\r\n\x00\r\nQUIX\n\x21\x11\x00\x0c" + string(four), "bad"},
}

// read takes a header as a connection does, step bytes at a time; what follows it is left.
func read(text string, step int) (from netip.AddrPort, ok bool, rest string, err error) {
	for got := 0; ; {
		got = min(got+step, len(text))
		n, whole, err := Split([]byte(text[:got]))
		switch {
		case err != nil:
			return from, false, "", err
		case whole:
			from, ok, err = Source([]byte(text[:n]))
			return from, ok, text[n:], err
		case n != got:
			return from, false, "", errors.New("what was received belongs to nobody")
		case got == len(text):
			return from, false, "", errors.New("it ends in the middle")
		}
	}
}

func TestHeaderNamesTheClientOrEndsTheConnection(t *testing.T) {
	const rest = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
	for _, row := range headers {
		for _, step := range []int{1, 7, len(row.text), len(row.text) + len(rest)} {
			from, ok, left, err := read(row.text+rest, step)
			switch {
			case row.from == "bad":
				if !errors.Is(err, ErrHeader) {
					t.Errorf("%s, %d at a time: %v %v", row.what, step, from, err)
				}
			case err != nil || left != rest || ok != (row.from != "") || ok && from.String() != row.from:
				t.Errorf("%s, %d at a time: %v %v, then %q; %v", row.what, step, from, ok, left, err)
			}
		}
	}
}

// However a header comes, it is the same one, of as many bytes, and it is never longer
// than it may be.
func FuzzHeaderIsReadOneWay(f *testing.F) {
	for _, row := range headers {
		f.Add([]byte(row.text+"GET"), 3)
	}
	f.Fuzz(func(t *testing.T, b []byte, step int) {
		from, ok, rest, err := read(string(b), len(b)+1)
		again, okAgain, restAgain, errAgain := read(string(b), 1+(step&0x3f))
		if (err == nil) != (errAgain == nil) || err == nil && (from != again || ok != okAgain || rest != restAgain) {
			t.Fatalf("%q: %v %v %q %v; in parts: %v %v %q %v", b, from, ok, rest, err, again, okAgain, restAgain, errAgain)
		}
		if err == nil && (len(b)-len(rest) > binaryMost || b[0] == 'P' && len(b)-len(rest) > lineMost) {
			t.Fatalf("%d bytes are a header", len(b)-len(rest))
		}
		if ok && (!from.Addr().IsValid() || from.Addr().Is4In6() || from.Addr().Zone() != "") {
			t.Fatalf("%q: from %v", b, from)
		}
	})
}
