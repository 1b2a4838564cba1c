package access

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Kinds of viewers' tokens.
const (
	KindURL = "url" // HMAC-signed, in the form of EdgeAuth
	KindJWT = "jwt" // RFC 7519, and RFC 9246 for paths
	KindCAT = "cat" // Common Access Token, CTA-5007
)

// Policy is who may open what. The zero value lets everybody in.
type Policy struct {
	rules []*Rule // longest prefix first
	geo   countries
}

// Rule is what holds below a prefix.
type Rule struct {
	Prefix       string
	Tokens       []string // kinds that are taken; none: no token is asked for
	keys         []Key
	issuer       string
	audience     []string
	parameter    map[string]string // of a kind: the name of the query parameter
	allowed      []netip.Prefix    // addresses; none: all
	denied       []netip.Prefix
	countries    []string // ISO 3166-1, two letters; none: all
	notCountries []string
}

// Request is what a viewer asks for, as far as it matters here.
type Request struct {
	Method   string
	Target   string // raw, as it stands in the request line
	Scheme   string // http or https
	Host     string // with the port, if there is one
	Protocol string // ALPN, like http/1.1
	Address  netip.Addr
	Header   http.Header
}

// Grant is what a viewer may do.
type Grant struct {
	Target  string    // without the viewer's token
	Until   time.Time // zero: no end of its own
	Scope   int       // how many folders of the entry's path the grant covers all below of; 0: the rule's prefix
	Guarded bool      // a rule with tokens was asked
	Subject string    // whom the token names, for the log; may be empty
}

// Rule is the one for a target, nil when there is none.
func (p *Policy) Rule(target string) *Rule {
	if p == nil {
		return nil
	}
	path := pathOf(target)
	for _, r := range p.rules {
		if strings.HasPrefix(path, r.Prefix) {
			return r
		}
	}
	return nil
}

// Open judges a request that opens a stream. The error is a *Refusal.
func (p *Policy) Open(r Request, now time.Time) (Grant, error) {
	rule := p.Rule(r.Target)
	if rule == nil {
		return Grant{Target: r.Target}, nil
	}
	if err := p.where(rule, r.Address); err != nil {
		return Grant{}, err
	}
	if len(rule.Tokens) == 0 {
		return Grant{Target: r.Target}, nil
	}
	return p.token(rule, r, now)
}

// token looks for a token of each kind that the rule takes, and judges the first
// one there is.
func (p *Policy) token(rule *Rule, r Request, now time.Time) (Grant, error) {
	shown := r // what the token's claims are about: the target without any token
	shown.Target = rule.strip(r.Target)
	for _, kind := range rule.Tokens {
		text, ok := rule.find(kind, r)
		if !ok {
			continue
		}
		if len(text) > maxToken {
			return Grant{}, refuse(ReasonInvalid, "the token is longer than %d bytes", maxToken)
		}
		g, err := judges[kind](p, rule, text, shown, now)
		if err != nil {
			return Grant{}, err
		}
		g.Target, g.Guarded = shown.Target, true
		return g, nil
	}
	return Grant{}, refuse(ReasonMissing, "this stream is opened with a token (%s)", strings.Join(rule.Tokens, ", "))
}

var judges = map[string]func(*Policy, *Rule, string, Request, time.Time) (Grant, error){
	KindURL: (*Policy).judgeURL, KindJWT: (*Policy).judgeJWT, KindCAT: (*Policy).judgeCAT,
}

// Covers tells whether a session may have a target: one that was opened by the
// entry, with the scope of its grant; guarded is the grant's. A target without a
// rule that asks for tokens is open; another one needs the entry's rule, and to
// lie below what was granted.
func (p *Policy) Covers(entry string, guarded bool, scope int, target string) bool {
	rule := p.Rule(target)
	if rule == nil || len(rule.Tokens) == 0 {
		return true
	}
	if !guarded || p.Rule(entry) != rule {
		return false
	}
	return strings.HasPrefix(pathOf(target), folders(pathOf(entry), scope))
}

// Guards tells whether any rule asks for tokens, so that a session's targets have
// to be looked at.
func (p *Policy) Guards() bool {
	return p != nil && slices.ContainsFunc(p.rules, func(r *Rule) bool { return len(r.Tokens) > 0 })
}

// where judges an address and its country.
func (p *Policy) where(rule *Rule, a netip.Addr) error {
	a = a.Unmap()
	in := func(list []netip.Prefix) bool {
		return slices.ContainsFunc(list, func(n netip.Prefix) bool { return n.Contains(a) })
	}
	if in(rule.denied) || len(rule.allowed) > 0 && !in(rule.allowed) {
		return refuse(ReasonAddress, "this stream is not open to your address")
	}
	if len(rule.countries) == 0 && len(rule.notCountries) == 0 {
		return nil
	}
	country := p.geo.of(a)
	if slices.Contains(rule.notCountries, country) || len(rule.countries) > 0 && !slices.Contains(rule.countries, country) {
		return refuse(ReasonCountry, "this stream is not open to your country")
	}
	return nil
}

// pathOf is the path of a target.
func pathOf(target string) string {
	path, _, _ := strings.Cut(target, "?")
	return path
}

// folders is the first n folders of a path with the slash behind them: of
// "/a/b/c.m3u8" 1 is "/a/", 0 "/".
func folders(path string, n int) string {
	for i := range len(path) {
		if path[i] == '/' {
			if n == 0 {
				return path[:i+1]
			}
			n--
		}
	}
	return path
}

// depth is how many folders a prefix of a path has, the unfinished one aside.
func depth(prefix string) int { return max(strings.Count(prefix, "/")-1, 0) }
