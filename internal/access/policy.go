package access

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"tandem/internal/protected"
	"tandem/internal/wire"
)

// Kinds of viewers' tokens.
const (
	KindURL = "url" // HMAC-signed, in the form of EdgeAuth
	KindJWT = "jwt" // RFC 7519, and RFC 9246 for paths
	KindCAT = "cat" // Common Access Token, CTA-5007
)

// Policy is who may open what. The zero value lets everybody in.
type Policy struct {
	rules map[string]*Rule // by prefix as protected.Canonical reads it
	paths *protected.Paths
	list  []wire.Protected
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
	maximum      time.Duration // of what a token grants; 0: as long as it says
	countries    []string      // ISO 3166-1, two letters; none: all
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
	Scope   uint8     // for protected.Paths.Reaches; 0: nobody was asked
	Subject string    // whom the token names, for the log; may be empty

	folders int // of the entry's path that the token covers all below of; 0: the rule's prefix
}

// Protected is what every node has to know: below which prefixes nobody is served who
// was not let in.
func (p *Policy) Protected() []wire.Protected {
	if p == nil {
		return nil
	}
	return p.list
}

// Rule is the one for a target, nil when there is none.
func (p *Policy) Rule(target string) *Rule {
	if p == nil {
		return nil
	}
	prefix, _ := p.paths.Of(target)
	return p.rules[prefix]
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
	if rule.open() {
		return Grant{Target: r.Target}, nil
	}
	if len(rule.Tokens) == 0 {
		return Grant{Target: r.Target, Scope: scopeOf(0)}, nil
	}
	return p.token(rule, r, now)
}

// scopeOf is the scope of so many folders.
func scopeOf(folders int) uint8 { return uint8(min(folders, 254)) + 1 }

// open tells that a rule asks for nothing: an exception inside of another one's
// prefix.
func (r *Rule) open() bool {
	return len(r.Tokens)+len(r.allowed)+len(r.denied)+len(r.countries)+len(r.notCountries) == 0
}

// token looks for a token of each kind that the rule takes, and judges the first
// one there is.
func (p *Policy) token(rule *Rule, r Request, now time.Time) (Grant, error) {
	shown := r // what the token's claims are about: the target without any token
	shown.Target = rule.strip(r.Target)
	if protected.Climbs(shown.Target) {
		return Grant{}, refuse(ReasonScope, "the path can be read as another one's")
	}
	for _, kind := range rule.Tokens {
		text, ok := rule.find(kind, r)
		if !ok {
			continue
		}
		if len(text) > maxToken {
			return Grant{}, refuse(ReasonInvalid, "the token is longer than %d bytes", maxToken)
		}
		if strings.ContainsFunc(text, unseen) { // decoders of base64 pass over the ends of lines
			return Grant{}, refuse(ReasonInvalid, "the token has bytes in it that are no text")
		}
		g, err := judges[kind](p, rule, text, shown, now)
		if err != nil {
			return Grant{}, err
		}
		g.Target, g.Scope = shown.Target, scopeOf(g.folders)
		return g, nil
	}
	return Grant{}, refuse(ReasonMissing, "this stream is opened with a token (%s)", strings.Join(rule.Tokens, ", "))
}

func unseen(r rune) bool { return r <= ' ' || r >= 0x7f }

var judges = map[string]func(*Policy, *Rule, string, Request, time.Time) (Grant, error){
	KindURL: (*Policy).judgeURL, KindJWT: (*Policy).judgeJWT, KindCAT: (*Policy).judgeCAT,
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

// depth is how many folders a path has, its last name aside.
func depth(path string) int {
	return max(strings.Count(protected.Canonical(path), "/")-1, 0)
}

// covered is how many of a path's folders it takes to be in one of which a prefix of the
// path covers all: "/a/b*" opens of "/a/bc/m.mpd" what lies in "/a/bc/", and nothing else in
// "/a/". At most the path's own folder.
func covered(prefix, path string) int {
	n := depth(prefix)
	if !strings.HasSuffix(prefix, "/") {
		n++
	}
	return min(n, depth(path))
}
