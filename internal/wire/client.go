package wire

import (
	"net/netip"
	"strings"
)

// ClientOf is what counts as one client of an address, with or without a port: an
// IPv4 address, or the /64 of an IPv6 one, all of which one host may use. What is no
// address is itself.
func ClientOf(address string) string {
	text := address
	if with, err := netip.ParseAddrPort(address); err == nil {
		text = with.Addr().WithZone("").Unmap().String()
	}
	if !strings.Contains(text, ":") {
		return text
	}
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return address
	}
	if addr = addr.WithZone("").Unmap(); addr.Is4() {
		return addr.String()
	}
	return netip.PrefixFrom(addr, 64).Masked().String()
}
