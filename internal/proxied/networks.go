package proxied

import (
	"fmt"
	"net/netip"
)

// Networks are those of proxies that are believed.
type Networks []netip.Prefix

// ParseNetworks reads addresses and prefixes.
func ParseNetworks(texts []string) (Networks, error) {
	n := make(Networks, 0, len(texts))
	for _, text := range texts {
		if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
			addr = addr.Unmap()
			n = append(n, netip.PrefixFrom(addr, addr.BitLen()))
			continue
		}
		p, err := netip.ParsePrefix(text)
		if err != nil || p.Addr().Is4In6() {
			return nil, fmt.Errorf("%q is neither an address nor a network, like 10.0.0.0/8 or 2001:db8::/32", text)
		}
		n = append(n, p.Masked())
	}
	return n, nil
}

// Has tells whether an address is within them.
func (n Networks) Has(a netip.Addr) bool {
	a = a.Unmap()
	for _, p := range n {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
