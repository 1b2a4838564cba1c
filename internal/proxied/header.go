package proxied

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"
	"strconv"
	"strings"
)

// Bounds of a header, in bytes.
const (
	lineMost   = 107     // of version 1, its end included
	fixed      = 16      // of version 2, before the addresses
	binaryMost = 4 << 10 // of version 2 in all: addresses, and what a proxy says beside them

	HeaderMost = binaryMost
)

// ErrHeader is a connection that does not begin as a proxy's does.
var ErrHeader = errors.New("no header of the PROXY protocol")

var signature = []byte("\r\n\r\n\x00\r\nQUIT\n")

// Split finds the header at the beginning of what was received: its n bytes, or, while
// it is not whole, how many of those received belong to it: all, then.
func Split(b []byte) (n int, whole bool, err error) {
	switch {
	case len(b) == 0:
		return 0, false, nil
	case bytes.HasPrefix(b, signature[:min(len(b), len(signature))]):
		return splitBinary(b)
	case strings.HasPrefix("PROXY ", string(b[:min(len(b), len("PROXY "))])):
	default:
		return 0, false, ErrHeader
	}
	line := b[:min(len(b), lineMost)]
	end := bytes.IndexByte(line, '\n')
	switch {
	case end >= 0:
		return end + 1, true, nil
	case len(b) >= lineMost:
		return 0, false, ErrHeader
	}
	return len(b), false, nil
}

func splitBinary(b []byte) (n int, whole bool, err error) {
	if len(b) < fixed {
		return len(b), false, nil
	}
	n = fixed + int(binary.BigEndian.Uint16(b[14:]))
	switch {
	case n > binaryMost:
		return 0, false, ErrHeader
	case n > len(b):
		return len(b), false, nil
	}
	return n, true, nil
}

// Source is the client of a whole header. Not ok: the connection is the proxy's own, or
// of a client without an address, and counts as the proxy.
func Source(header []byte) (from netip.AddrPort, ok bool, err error) {
	if bytes.HasPrefix(header, signature) {
		return sourceBinary(header)
	}
	line, ended := strings.CutSuffix(string(header), "\r\n")
	if !ended || len(header) > lineMost {
		return from, false, ErrHeader
	}
	words := strings.Split(line, " ")
	if len(words) >= 2 && words[0] == "PROXY" && words[1] == "UNKNOWN" {
		return from, false, nil // whatever follows
	}
	if len(words) != 6 || words[0] != "PROXY" || words[1] != "TCP4" && words[1] != "TCP6" {
		return from, false, ErrHeader
	}
	var ends [2]netip.AddrPort
	for i := range ends {
		addr, err := netip.ParseAddr(words[2+i])
		port, badPort := strconv.ParseUint(words[4+i], 10, 16)
		if err != nil || badPort != nil || addr.Is4() != (words[1] == "TCP4") || addr.Zone() != "" || words[4+i] != strconv.FormatUint(port, 10) {
			return from, false, ErrHeader
		}
		ends[i] = netip.AddrPortFrom(addr.Unmap(), uint16(port))
	}
	return ends[0], true, nil
}

// Families of addresses in version 2, by TCP.
const (
	tcp4 = 0x11
	tcp6 = 0x21
)

func sourceBinary(b []byte) (from netip.AddrPort, ok bool, err error) {
	if n, whole, err := splitBinary(b); err != nil || !whole || n != len(b) {
		return from, false, ErrHeader
	}
	switch b[12] { // version and command
	case 0x20: // LOCAL: the proxy's own, to see whether we live
		return from, false, nil
	case 0x21:
	default:
		return from, false, ErrHeader
	}
	rest := b[fixed:]
	switch family := b[13]; {
	case family == tcp4 && len(rest) >= 12:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(rest)), binary.BigEndian.Uint16(rest[8:])), true, nil
	case family == tcp6 && len(rest) >= 36:
		return netip.AddrPortFrom(netip.AddrFrom16([16]byte(rest)).Unmap(), binary.BigEndian.Uint16(rest[32:])), true, nil
	case family == tcp4, family == tcp6:
		return from, false, ErrHeader
	case family>>4 <= 3 && family&15 <= 2: // no TCP, and nothing that could count as a client
		return from, false, nil
	}
	return from, false, ErrHeader
}
