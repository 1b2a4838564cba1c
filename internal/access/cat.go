package access

import (
	"encoding/base64"
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// Claims of CWT (RFC 8392) and of CAT (CTA-5007).
const (
	claimIssuer   = 1
	claimSubject  = 2
	claimAudience = 3
	claimExpires  = 4
	claimNotYet   = 5
	claimIssued   = 6
	claimID       = 7
	claimReplay   = 308 // catreplay
	claimVersion  = 310 // catv
	claimNetwork  = 311 // catnip
	claimURI      = 312 // catu
	claimMethods  = 313 // catm
	claimALPN     = 314 // catalpn
	claimHeaders  = 315 // cath
	claimCountry  = 316 // catgeoiso3166
	claimIfData   = 320 // catifdata
	claimIf       = 322 // catif
	claimRenewal  = 323 // catr
)

// catClaims judges each claim by its number. Every claim narrows what the token is
// good for, so one whose number is not here spoils the token; negative numbers and
// names are private and tell us nothing. nil: nothing to check.
var catClaims = map[uint64]func(*catCheck, any) error{
	claimIssuer: (*catCheck).issuer, claimSubject: (*catCheck).subject, claimAudience: (*catCheck).audience,
	claimExpires: (*catCheck).expires, claimNotYet: (*catCheck).notYet, claimIssued: (*catCheck).issuedAt, claimID: nil,
	claimReplay: (*catCheck).replay, claimVersion: (*catCheck).version, claimNetwork: (*catCheck).network,
	claimURI: (*catCheck).uri, claimMethods: (*catCheck).methods, claimALPN: (*catCheck).alpn, claimHeaders: (*catCheck).headers,
	claimCountry: (*catCheck).country, claimIfData: nil, claimIf: nil, claimRenewal: nil,
}

// catCheck is a token being judged.
type catCheck struct {
	policy *Policy
	rule   *Rule
	r      Request
	now    time.Time
	issued time.Time // zero: it does not say
	grant  Grant
}

// judgeCAT is for KindCAT.
func (p *Policy) judgeCAT(rule *Rule, text string, r Request, now time.Time) (Grant, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(strings.TrimRight(text, "="))
	if err != nil {
		return Grant{}, refuse(ReasonInvalid, "the token is not in base64url")
	}
	payload, ok := rule.openCOSE(raw)
	if !ok {
		return Grant{}, refuse(ReasonInvalid, "the token is not a CAT that is sealed by a key of this stream")
	}
	var claims map[any]any
	if err := strict.Unmarshal(payload, &claims); err != nil {
		return Grant{}, refuse(ReasonInvalid, "the token's claims are malformed")
	}
	c := &catCheck{policy: p, rule: rule, r: r, now: now}
	if err := c.all(claims); err != nil {
		return Grant{}, err
	}
	c.grant.Until, err = rule.lifetime(c.issued, c.grant.Until, now)
	return c.grant, err
}

// all judges the claims in the order of their numbers, so that a token that is
// wrong in two ways is refused for the same one each time.
func (c *catCheck) all(claims map[any]any) error {
	var ids []uint64
	for key := range claims {
		switch id := key.(type) {
		case uint64:
			ids = append(ids, id)
		case int64, string: // private
		default:
			return refuse(ReasonInvalid, "the token has a claim whose name is no number and no text")
		}
	}
	slices.Sort(ids)
	for _, id := range ids {
		check, known := catClaims[id]
		if !known {
			return refuse(ReasonInvalid, "the token has claim %d, which is not understood here", id)
		}
		if check == nil {
			continue
		}
		if err := check(c, claims[id]); err != nil {
			return err
		}
	}
	if c.rule.issuer != "" && !slices.Contains(ids, claimIssuer) || len(c.rule.audience) > 0 && !slices.Contains(ids, claimAudience) {
		return refuse(ReasonScope, "the token names no issuer or no audience")
	}
	return nil
}

// number is a date or another number, whichever way it is written.
func number(v any) (float64, bool) {
	switch n := v.(type) {
	case uint64:
		return float64(n), true
	case int64:
		return float64(n), true
	case float64:
		return n, !math.IsNaN(n) && !math.IsInf(n, 0)
	}
	return 0, false
}

// whole is a number that has no parts: one of algorithms, or of ways of matching.
func whole(v any) (int, bool) {
	switch n := v.(type) {
	case uint64:
		return int(n), n <= math.MaxInt32
	case int64:
		return int(n), n >= math.MinInt32
	}
	return 0, false
}

func malformed(claim string) error {
	return refuse(ReasonInvalid, "the token's claim %s is malformed", claim)
}

func (c *catCheck) issuer(v any) error {
	if text, ok := v.(string); !ok || c.rule.issuer != "" && text != c.rule.issuer {
		return refuse(ReasonScope, "the token is of another issuer")
	}
	return nil
}

func (c *catCheck) subject(v any) error {
	text, ok := v.(string)
	if !ok {
		return malformed("sub")
	}
	c.grant.Subject = text
	return nil
}

func (c *catCheck) audience(v any) error {
	list, ok := texts(v)
	if !ok {
		return malformed("aud")
	}
	if len(c.rule.audience) > 0 && !slices.ContainsFunc(list, func(a string) bool { return slices.Contains(c.rule.audience, a) }) {
		return refuse(ReasonScope, "the token is for another audience")
	}
	return nil
}

// texts reads one text or a list of them.
func texts(v any) ([]string, bool) {
	switch t := v.(type) {
	case string:
		return []string{t}, true
	case []any:
		list := make([]string, 0, len(t))
		for _, one := range t {
			switch text := one.(type) {
			case string:
				list = append(list, text)
			case []byte:
				list = append(list, string(text))
			default:
				return nil, false
			}
		}
		return list, true
	}
	return nil, false
}

func (c *catCheck) expires(v any) error {
	n, ok := number(v)
	until, good := momentOf(n)
	if !ok || !good {
		return malformed("exp")
	}
	if !c.now.Before(until) {
		return refuse(ReasonExpired, "the token has expired")
	}
	c.grant.Until = until
	return nil
}

func (c *catCheck) issuedAt(v any) error {
	n, ok := number(v)
	at, good := momentOf(n)
	if !ok || !good {
		return malformed("iat")
	}
	c.issued = at
	return nil
}

func (c *catCheck) notYet(v any) error {
	n, ok := number(v)
	if !ok || n < 0 || n > longest {
		return malformed("nbf")
	}
	if c.now.Before(time.UnixMilli(int64(n * 1000))) {
		return refuse(ReasonEarly, "the token is not valid yet")
	}
	return nil
}

// replay: a token that may be used once only can't be told from its second use
// by balancers that keep nothing of viewers.
func (c *catCheck) replay(v any) error {
	if n, ok := number(v); !ok || n != 0 && n != 2 {
		return refuse(ReasonInvalid, "the token forbids its second use (catreplay), which is not watched here")
	}
	return nil
}

func (c *catCheck) version(v any) error {
	if n, ok := number(v); !ok || n != 1 {
		return refuse(ReasonInvalid, "the token is of another version (catv)")
	}
	return nil
}

// network is a list of addresses and networks (RFC 9164), and of numbers of
// autonomous systems, which we don't know of an address.
func (c *catCheck) network(v any) error {
	list, ok := v.([]any)
	if !ok {
		return malformed("catnip")
	}
	for _, one := range list {
		if tag, ok := one.(cbor.Tag); ok {
			if n, ok := networkOf(tag); ok && n.Contains(c.r.Address.Unmap()) {
				return nil
			}
		}
	}
	return refuse(ReasonScope, "the token is for another address")
}

// networkOf reads an address, or the beginning of one with its length (RFC 9164).
func networkOf(tag cbor.Tag) (netip.Prefix, bool) {
	size := map[uint64]int{52: 4, 54: 16}[tag.Number]
	raw, bits := []byte(nil), size*8
	switch content := tag.Content.(type) {
	case []byte:
		raw = content
		if len(raw) != size {
			return netip.Prefix{}, false
		}
	case []any:
		if len(content) != 2 {
			return netip.Prefix{}, false
		}
		n, isNumber := number(content[0])
		raw, _ = content[1].([]byte)
		if !isNumber || n < 0 || n > float64(bits) || len(raw) > size || size == 0 {
			return netip.Prefix{}, false
		}
		bits = int(n)
	}
	full := make([]byte, size)
	copy(full, raw)
	a, ok := netip.AddrFromSlice(full)
	if !ok {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(a, bits), true
}

func (c *catCheck) methods(v any) error {
	list, ok := texts(v)
	if !ok {
		return malformed("catm")
	}
	if !slices.Contains(list, c.r.Method) {
		return refuse(ReasonScope, "the token is for other methods")
	}
	return nil
}

func (c *catCheck) alpn(v any) error {
	list, ok := texts(v)
	if !ok {
		return malformed("catalpn")
	}
	if !slices.Contains(list, c.r.Protocol) {
		return refuse(ReasonScope, "the token is for other protocols")
	}
	return nil
}

// headers: each field has to be there, and to match in one of its lines.
func (c *catCheck) headers(v any) error {
	fields, ok := v.(map[any]any)
	if !ok {
		return malformed("cath")
	}
	for name, match := range fields {
		text, ok := name.(string)
		if !ok {
			return malformed("cath")
		}
		fits, lines := false, c.r.Header.Values(text)
		if strings.EqualFold(text, "Host") { // which net/http keeps beside the others
			lines = []string{c.r.Host}
		}
		for _, line := range lines {
			good, err := matches(match, line)
			if err != nil {
				return err
			}
			fits = fits || good
		}
		if !fits {
			return refuse(ReasonScope, "the token is for other requests (cath)")
		}
	}
	return nil
}

func (c *catCheck) country(v any) error {
	list, ok := texts(v)
	if !ok {
		return malformed("catgeoiso3166")
	}
	if c.policy.geo == nil {
		return refuse(ReasonInvalid, "the token asks for a country, and there is no geo file here")
	}
	here := c.policy.geo.of(c.r.Address.Unmap())
	for _, one := range list {
		country, _, _ := strings.Cut(one, "-") // of a part of a country we know the country
		if country == here && country == one {
			return nil
		}
	}
	return refuse(ReasonCountry, "the token is for other countries")
}
