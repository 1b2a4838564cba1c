package access

import (
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// A claim is what is spelled like it: others of its letters are a signer's own, who may
// let anybody choose them.
func TestClaimsOfAJWTAreSpelledInOneWay(t *testing.T) {
	p := newStage(t).policy("prefix: /premium/, tokens: [jwt], issuer: shop, " + allKeys)
	for what, row := range map[string]struct {
		claims jwt.MapClaims
		want   string
	}{
		"as they are":       {jwt.MapClaims{"iss": "shop", "exp": now + 60, "PATHS": []string{"/other/*"}}, ""},
		"an end in EXP":     {jwt.MapClaims{"iss": "shop", "EXP": now + 60}, ReasonInvalid},
		"a later end":       {jwt.MapClaims{"iss": "shop", "exp": now - 60, "expſ": now + 60, "eXp": now + 60}, ReasonExpired},
		"wider paths":       {jwt.MapClaims{"iss": "shop", "exp": now + 60, "paths": []string{"/premium/b/*"}, "pathS": []string{"/*"}, "pathſ": []string{"/*"}}, ReasonScope},
		"an issuer in Iss":  {jwt.MapClaims{"Iss": "shop", "exp": now + 60}, ReasonInvalid},
		"another container": {jwt.MapClaims{"iss": "shop", "exp": now + 60, "cdniuc": `regex:.*/other/.*`, "Cdniuc": "regex:.*"}, ReasonScope},
	} {
		if _, err := p.Open(asks(entry+"?jwt="+jwtOf(t, jwt.SigningMethodHS256, []byte(firstSecret), row.claims)), moment); reason(err) != row.want {
			t.Errorf("%s: %v, want %q", what, err, row.want)
		}
	}
	for _, id := range []any{[]string{"k1"}, 1, nil, map[string]string{}} { // RFC 7515 section 4.1.4: a string
		token := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"iss": "shop", "exp": now + 60})
		token.Header["kid"] = id
		text, err := token.SignedString([]byte(firstSecret))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Open(asks(entry+"?jwt="+text), moment); reason(err) != ReasonInvalid {
			t.Errorf("a key named %v: %v", id, err)
		}
	}
}

// A token for one folder opens no other one that only some origins find at the end of a path.
func TestNoTokenOpensWhereAPathClimbs(t *testing.T) {
	p := newStage(t).policy("prefix: /premium/, tokens: [url, jwt, cat], " + allKeys)
	for _, spelled := range []string{"/premium/a/%252e%252e/b/m.m3u8", "/premium/a/..%20/b/m.m3u8", "/premium/a/..%00/b/m.m3u8", "/premium/a/..%252fb/m.m3u8"} {
		for _, shown := range []string{
			"?token=" + SignURL([]byte(firstSecret), "k1", "/premium/a/*", "", moment.Add(time.Minute)),
			"?jwt=" + jwtOf(t, jwt.SigningMethodHS256, []byte(firstSecret), jwt.MapClaims{"exp": now + 60, "cdniuc": "regex:.*/premium/a/.*"}),
			"?CAT=" + catOf(t, map[any]any{4: now + 60, 312: map[any]any{3: in(1, "/premium/a/")}}),
		} {
			if g, err := p.Open(asks(spelled+shown), moment); reason(err) != ReasonScope {
				t.Errorf("%s: %+v, %v", spelled, g, err)
			}
		}
	}
}

// Half a pattern opens nothing, and the beginning of a name no folder beside the entry's.
func TestWhatAJWTSaysOfPathsIsReadNarrowly(t *testing.T) {
	p := newStage(t).policy("prefix: /premium/, tokens: [jwt], " + allKeys)
	for what, row := range map[string]struct {
		claim, reason string
		value         any
		scope         uint8
	}{
		"two halves of a pattern": {"cdniuc", ReasonInvalid, "regex:x)|(?:.*", 0},
		"the beginning of a name": {"paths", "", []string{"/premium/a*"}, scopeOf(2)},
		"the beginning of all":    {"paths", "", []string{"/prem*"}, scopeOf(1)},
	} {
		token := jwtOf(t, jwt.SigningMethodHS256, []byte(firstSecret), jwt.MapClaims{"exp": now + 60, row.claim: row.value})
		if g, err := p.Open(asks(entry+"?jwt="+token), moment); reason(err) != row.reason || g.Scope != row.scope {
			t.Errorf("%s: %+v, %v", what, g, err)
		}
	}
}
