package proxied

import (
	"net/netip"
	"strings"
)

// Fields that proxies add addresses to.
const (
	XForwardedFor = "X-Forwarded-For"
	Forwarded     = "Forwarded" // RFC 7239
)

// hopsMost bounds the proxies that one request is followed back through.
const hopsMost = 16

// Client is who asks: from is the connection's other end, field is the one that these
// networks' proxies add to, and values are its values, in the order of the head.
func (n Networks) Client(from netip.Addr, field string, values []string) netip.Addr {
	hops := lastHops(field, strings.Join(values, ", "))
	for i := len(hops) - 1; i >= 0 && n.Has(from); i-- {
		next, ok := addressOf(hops[i])
		if !ok {
			break
		}
		from = next
	}
	return from
}

// lastHops are the last ones of a list, as they are spelled; none where it is malformed.
func lastHops(field, list string) []string {
	if field != Forwarded {
		hops := strings.Split(list, ",")
		for i, h := range hops {
			hops[i] = strings.Trim(h, " \t")
		}
		return hops[max(0, len(hops)-hopsMost):]
	}
	var hops []string
	for more := true; more; {
		var hop string
		var ok bool
		if hop, list, more, ok = element(list); !ok {
			return nil
		}
		if hops = append(hops, hop); len(hops) > hopsMost {
			hops = hops[1:]
		}
	}
	return hops
}

// element takes the first of a list of Forwarded's: what its for says, empty for nothing.
func element(list string) (hop, rest string, more, ok bool) {
	seen := false
	for {
		list = strings.TrimLeft(list, " \t")
		name, after, pair := strings.Cut(list, "=")
		if !pair || !token(name) {
			return "", "", false, false
		}
		value, rest, ok := pairValue(after)
		if !ok {
			return "", "", false, false
		}
		if strings.EqualFold(name, "for") {
			if seen {
				return "", "", false, false // RFC 7239 section 4: once
			}
			hop, seen = value, true
		}
		switch rest = strings.TrimLeft(rest, " \t"); {
		case rest == "":
			return hop, "", false, true
		case rest[0] == ',':
			return hop, rest[1:], true, true
		case rest[0] != ';':
			return "", "", false, false
		}
		list = rest[1:]
	}
}

// pairValue takes a token or a quoted string.
func pairValue(s string) (value, rest string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		end := strings.IndexAny(s, " \t,;")
		if end < 0 {
			end = len(s)
		}
		return s[:end], s[end:], token(s[:end])
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:], true
		case '\\':
			if i++; i == len(s) {
				return "", "", false
			}
		}
		b.WriteByte(s[i])
	}
	return "", "", false
}

func token(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return s != ""
}

// addressOf reads an address, with or without a port, an IPv6 one in brackets or not.
func addressOf(hop string) (netip.Addr, bool) {
	if with, err := netip.ParseAddrPort(hop); err == nil {
		return plain(with.Addr())
	}
	if inner, ok := strings.CutPrefix(hop, "["); ok {
		if hop, ok = strings.CutSuffix(inner, "]"); !ok {
			return netip.Addr{}, false
		}
	}
	addr, err := netip.ParseAddr(hop)
	if err != nil {
		return netip.Addr{}, false
	}
	return plain(addr)
}

func plain(a netip.Addr) (netip.Addr, bool) { return a.WithZone("").Unmap(), a.Zone() == "" }
