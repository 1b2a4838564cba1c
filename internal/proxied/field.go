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
// networks' proxies add to, and values are its values, in the order of the head. They are
// read from their end, for what proxies of ours have added stands there: whatever a client
// has written before, it does not reach into that.
func (n Networks) Client(from netip.Addr, field string, values []string) netip.Addr {
	hops := 0
	for i := len(values) - 1; i >= 0; i-- {
		for list, more := values[i], true; more; hops++ {
			if hops == hopsMost || !n.Has(from) {
				return from
			}
			var hop string
			if list, hop, more = last(list, field == Forwarded); field == Forwarded {
				hop = forOf(hop)
			}
			next, ok := addressOf(hop)
			if !ok {
				return from
			}
			from = next
		}
	}
	return from
}

// last takes the last element off a list, whose elements may have quoted strings.
func last(list string, quoted bool) (rest, element string, more bool) {
	in := false
	for i := len(list) - 1; i >= 0; i-- {
		switch c := list[i]; {
		case c == '"' && quoted && (i == 0 || list[i-1] != '\\'):
			in = !in
		case c == ',' && !in:
			return list[:i], strings.Trim(list[i+1:], " \t"), true
		}
	}
	return "", strings.Trim(list, " \t"), false
}

// forOf is what an element of Forwarded says in its for; empty where it says nothing, or
// is malformed.
func forOf(element string) (hop string) {
	seen := false
	for {
		name, after, pair := strings.Cut(element, "=")
		if !pair || !token(name) {
			return ""
		}
		value, rest, ok := pairValue(after)
		if !ok {
			return ""
		}
		if strings.EqualFold(name, "for") {
			if seen {
				return "" // RFC 7239 section 4: once
			}
			hop, seen = value, true
		}
		if rest = strings.TrimLeft(rest, " \t"); rest == "" {
			return hop
		}
		if rest[0] != ';' {
			return ""
		}
		element = strings.TrimLeft(rest[1:], " \t")
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
