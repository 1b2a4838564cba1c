package access

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// viewerClaims are what a JWT may say beside the registered claims: paths is
// ours, the others are of RFC 9246 (URI Signing for CDN Interconnection).
type viewerClaims struct {
	jwt.RegisteredClaims
	Paths     []string `json:"paths"`    // each a path, or a prefix with a '*' at its end
	Container string   `json:"cdniuc"`   // regex:... of the whole URI
	Version   *int     `json:"cdniv"`    // 1
	Critical  string   `json:"cdnicrit"` // names of claims that have to be understood
	ClientIP  any      `json:"cdniip"`

	read bool // there were claims: of a token that says null in their place nothing is read
}

var (
	errNull = errors.New("a claim that narrows is null")
	errTime = errors.New("a time is none")
)

// UnmarshalJSON refuses claims that say nothing of what they narrow: absent they would
// open more.
func (c *viewerClaims) UnmarshalJSON(text []byte) error {
	var each map[string]json.RawMessage
	if err := json.Unmarshal(text, &each); err != nil {
		return err
	}
	// Names are as they are spelled (RFC 7519 section 10.1.1): encoding/json would take
	// EXP for exp, and whichever comes last.
	known := make(map[string]json.RawMessage, len(each))
	for _, name := range []string{"exp", "nbf", "iat", "iss", "aud", "sub", "paths", "cdniuc", "cdniv", "cdnicrit", "cdniip"} {
		raw, ok := each[name]
		if string(raw) == "null" {
			return errNull
		}
		if ok {
			known[name] = raw
		}
	}
	for _, name := range []string{"exp", "nbf", "iat"} {
		var seconds float64
		if raw, ok := each[name]; ok {
			if json.Unmarshal(raw, &seconds) != nil {
				return errTime
			}
			if _, ok := momentOf(seconds); !ok {
				return errTime
			}
		}
	}
	c.read = true
	type plain viewerClaims
	text, err := json.Marshal(known)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, (*plain)(c))
}

// algorithms that seal; "none" is none.
var algorithms = []string{"HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}

// judgeJWT is for KindJWT.
func (p *Policy) judgeJWT(rule *Rule, text string, r Request, now time.Time) (Grant, error) {
	options := []jwt.ParserOption{jwt.WithTimeFunc(func() time.Time { return now }), jwt.WithStrictDecoding(), jwt.WithValidMethods(algorithms)}
	if rule.issuer != "" {
		options = append(options, jwt.WithIssuer(rule.issuer))
	}
	if len(rule.audience) > 0 {
		options = append(options, jwt.WithAudience(rule.audience...))
	}
	var claims viewerClaims
	_, err := jwt.NewParser(options...).ParseWithClaims(text, &claims, func(t *jwt.Token) (any, error) {
		id, named := t.Header["kid"].(string)
		if _, ok := t.Header["kid"]; ok && !named {
			return nil, jwt.ErrTokenUnverifiable // it is a string (RFC 7515 4.1.4)
		}
		if _, ok := t.Header["crit"]; ok {
			return nil, jwt.ErrTokenUnverifiable // an extension that we don't know (RFC 7515 4.1.11)
		}
		return rule.jwtKeys(id, t.Method.Alg())
	})
	switch {
	case errors.Is(err, jwt.ErrTokenExpired):
		return Grant{}, refuse(ReasonExpired, "the token has expired")
	case errors.Is(err, jwt.ErrTokenNotValidYet):
		return Grant{}, refuse(ReasonEarly, "the token is not valid yet")
	case errors.Is(err, jwt.ErrTokenInvalidIssuer), errors.Is(err, jwt.ErrTokenInvalidAudience):
		return Grant{}, refuse(ReasonScope, "the token is of another issuer or for another audience")
	case err != nil, !claims.read:
		return Grant{}, refuse(ReasonInvalid, "the token is not a JWT that is sealed by a key of this stream")
	}
	g := Grant{Subject: claims.Subject}
	if g.folders, err = claims.folders(r); err != nil {
		return Grant{}, err
	}
	var issued time.Time
	if claims.IssuedAt != nil {
		issued = claims.IssuedAt.Time
	}
	if claims.ExpiresAt != nil {
		g.Until = claims.ExpiresAt.Time
	}
	g.Until, err = rule.lifetime(issued, g.Until, now)
	return g, err
}

// jwtKeys are the keys that may have sealed a token by an algorithm: it, which the
// token says, never chooses what a key is (RFC 8725 3.1).
func (r *Rule) jwtKeys(id, algorithm string) (any, error) {
	set := jwt.VerificationKeySet{}
	switch {
	case strings.HasPrefix(algorithm, "HS"):
		for _, k := range r.keysFor(id, false) {
			set.Keys = append(set.Keys, k.secret)
		}
	default:
		for _, k := range r.keysFor(id, true) {
			set.Keys = append(set.Keys, k.public)
		}
	}
	if len(set.Keys) == 0 {
		return nil, jwt.ErrTokenUnverifiable
	}
	return set, nil
}

// understood are the claims of RFC 9246 that a token may call critical.
var understood = map[string]bool{"cdniuc": true, "cdniv": true}

// folders judges the claims about paths.
func (c *viewerClaims) folders(r Request) (int, error) {
	for name := range strings.SplitSeq(c.Critical, ",") {
		if name = strings.TrimSpace(name); name != "" && !understood[name] {
			return 0, refuse(ReasonInvalid, "the token asks for a claim that is not understood here")
		}
	}
	if c.ClientIP != nil || c.Version != nil && *c.Version != 1 {
		return 0, refuse(ReasonInvalid, "the token has a claim that is not understood here (cdniip, cdniv)")
	}
	path := pathOf(r.Target)
	count := 0
	if c.Paths != nil {
		ok := false
		if count, ok = aclFolders(strings.Join(c.Paths, "!"), path); !ok {
			return 0, refuse(ReasonScope, "the token is for other paths")
		}
	}
	if c.Container != "" {
		pattern, ok := strings.CutPrefix(c.Container, "regex:")
		_, alone := regexp.Compile(pattern) // "a)|(b" would be one with what is put round it
		re, err := regexp.Compile(`\A(?:` + pattern + `)\z`)
		if !ok || alone != nil || err != nil {
			return 0, refuse(ReasonInvalid, "the token's URI container is not understood here; want regex:")
		}
		if !re.MatchString(r.Scheme + "://" + r.Host + r.Target) {
			return 0, refuse(ReasonScope, "the token is for other addresses")
		}
		count = max(count, depth(path))
	}
	return count, nil
}
