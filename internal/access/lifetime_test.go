package access

import (
	"fmt"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
)

// What a token grants ends when it says, or at the rule's maximum; one that says no end
// opens nothing, but where the rule bounds it by when it was issued.
func TestWhatATokenGrantsHasAnEnd(t *testing.T) {
	s := newStage(t)
	free := s.policy("prefix: /premium/, tokens: [cat, jwt, url], " + allKeys)
	bounded := s.policy("prefix: /premium/, tokens: [cat, jwt, url], max-lifetime: 1h, " + allKeys)
	const none = -1
	for what, row := range map[string]struct {
		issued, ends  int64 // after now; none: it does not say
		free, bounded any   // when the grant ends, after now, or why there is none
	}{
		"an hour less":           {none, 3000, int64(3000), int64(3000)},
		"a day":                  {none, 86400, int64(86400), int64(3600)},
		"a day, issued before":   {-600, 86400, int64(86400), int64(3000)},
		"a day, issued long ago": {-7200, 86400, int64(86400), ReasonExpired},
		"no end":                 {none, none, ReasonInvalid, ReasonInvalid},
		"no end, issued before":  {-600, none, ReasonInvalid, int64(3000)},
		"no end, long ago":       {-3600, none, ReasonInvalid, ReasonExpired},
		"no end, in a minute":    {60, none, ReasonInvalid, int64(3660)},
		"no end, in a year":      {31536000, none, ReasonInvalid, ReasonEarly},
	} {
		claims, cwt, url := jwt.MapClaims{}, map[any]any{2: "me"}, ""
		if row.issued != none {
			claims["iat"], cwt[6], url = now+row.issued, now+row.issued, fmt.Sprintf("st=%d~", now+row.issued)
		}
		if row.ends != none {
			claims["exp"], cwt[4], url = now+row.ends, now+row.ends, url+fmt.Sprintf("exp=%d~", now+row.ends)
		}
		tokens := map[string]string{"jwt": jwtOf(t, jwt.SigningMethodHS256, []byte(firstSecret), claims), "CAT": catOf(t, cwt)}
		if row.ends != none {
			tokens["token"] = sealURL(url + "acl=/premium/*")
		}
		for kind, token := range tokens {
			for of, p := range map[string]*Policy{"free": free, "bounded": bounded} {
				want := row.free
				if of == "bounded" {
					want = row.bounded
				}
				g, err := p.Open(asks(entry+"?"+kind+"="+token), moment)
				if until, opens := want.(int64); opens && (err != nil || g.Until.Unix() != now+until) || !opens && reason(err) != want {
					t.Errorf("%s, %s, %s: until %v, %v; want %v", what, kind, of, g.Until.Sub(moment), err, want)
				}
			}
		}
	}
}

func TestTimesThatAreNoneOpenNothing(t *testing.T) {
	s := newStage(t)
	p := s.policy("prefix: /premium/, tokens: [cat, jwt, url], max-lifetime: 1h, " + allKeys)
	for _, exp := range []string{"9223372036854775807", "18446744073709551615", "253402300800", "-1", "+1900000000", "0x7fffffff", "1e10", "1900000000.5", " 1900000000", "١٩٠٠٠٠٠٠٠٠", ""} {
		if g, err := p.Open(asks(entry+"?token="+strings.ReplaceAll(sealURL("exp="+exp+"~acl=/premium/*"), "+", "%2B")), moment); err == nil {
			t.Errorf("exp=%s opens until %v", exp, g.Until)
		}
	}
	for _, bad := range []any{1e300, -1, "1900000000", true, []int{1}, map[string]int{}, 253402300800} {
		for _, name := range []string{"exp", "nbf", "iat"} {
			claims := jwt.MapClaims{"exp": now + 60}
			claims[name] = bad
			if g, err := p.Open(asks(entry+"?jwt="+jwtOf(t, jwt.SigningMethodHS256, []byte(firstSecret), claims)), moment); err == nil {
				t.Errorf("JWT with %s %v opens until %v", name, bad, g.Until)
			}
			cwt := map[any]any{4: now + 60}
			cwt[map[string]int{"exp": 4, "nbf": 5, "iat": 6}[name]] = bad
			if g, err := p.Open(asks(entry+"?CAT="+catOf(t, cwt)), moment); err == nil {
				t.Errorf("CAT with %s %v opens until %v", name, bad, g.Until)
			}
		}
	}
	for _, bad := range []string{"0s", "-1h", "1000000h", "soon", "12"} {
		if _, _, err := Load(s.write("bad.yaml", "rules: [{prefix: /a/, tokens: [jwt], max-lifetime: "+bad+", "+allKeys+"}]")); err == nil || !strings.Contains(err.Error(), "max-lifetime") {
			t.Errorf("max-lifetime %s: %v", bad, err)
		}
	}
}
