package access

import (
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/golang-jwt/jwt/v5"
)

func sealURL(fields string) string {
	mac := hmac.New(sha256.New, []byte(firstSecret))
	mac.Write([]byte(fields))
	return fields + "~hmac=" + hex.EncodeToString(mac.Sum(nil))
}

const entry = "/premium/a/m.m3u8"

// jwtOf signs claims. change touches the header before that.
func jwtOf(t *testing.T, method jwt.SigningMethod, key any, claims jwt.MapClaims, header ...string) string {
	t.Helper()
	token := jwt.NewWithClaims(method, claims)
	for i := 0; i+1 < len(header); i += 2 {
		token.Header[header[i]] = header[i+1]
	}
	text, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestJWTOpensWhatItSays(t *testing.T) {
	s := newStage(t)
	p := s.policy("prefix: /premium/, tokens: [jwt], issuer: shop, audience: [tv], " + allKeys)
	key, at := []byte(firstSecret), float64(now)
	claims := func(more ...any) jwt.MapClaims {
		c := jwt.MapClaims{"iss": "shop", "aud": "tv", "exp": at + 60, "sub": "me"}
		for i := 0; i+1 < len(more); i += 2 {
			if c[more[i].(string)] = more[i+1]; more[i+1] == nil {
				delete(c, more[i].(string))
			}
		}
		return c
	}
	hs := func(more ...any) string { return jwtOf(t, jwt.SigningMethodHS256, key, claims(more...)) }
	public, _ := base64.StdEncoding.DecodeString(strings.ReplaceAll(strings.TrimSuffix(strings.TrimPrefix(s.public(&s.rsa.PublicKey), "-----BEGIN PUBLIC KEY-----\n"), "-----END PUBLIC KEY-----\n"), "\n", ""))
	for what, row := range map[string]struct {
		token, reason string
		scope         int
	}{
		"HS256":                         {hs(), "", 0},
		"HS512, by its key's name":      {jwtOf(t, jwt.SigningMethodHS512, []byte(secondSecret), claims(), "kid", "k2"), "", 0},
		"a key by another name":         {jwtOf(t, jwt.SigningMethodHS256, key, claims(), "kid", "k2"), ReasonInvalid, 0},
		"ES256":                         {jwtOf(t, jwt.SigningMethodES256, s.ec, claims()), "", 0},
		"RS256":                         {jwtOf(t, jwt.SigningMethodRS256, s.rsa, claims()), "", 0},
		"PS256":                         {jwtOf(t, jwt.SigningMethodPS256, s.rsa, claims()), "", 0},
		"an empty key":                  {jwtOf(t, jwt.SigningMethodHS256, []byte{}, claims()), ReasonInvalid, 0},
		"none":                          {jwtOf(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, claims()), ReasonInvalid, 0},
		"a public key as a secret":      {jwtOf(t, jwt.SigningMethodHS256, public, claims()), ReasonInvalid, 0},
		"its PEM as a secret":           {jwtOf(t, jwt.SigningMethodHS256, []byte(s.public(&s.rsa.PublicKey)), claims()), ReasonInvalid, 0},
		"an extension":                  {jwtOf(t, jwt.SigningMethodHS256, key, claims(), "crit", "b64"), ReasonInvalid, 0},
		"its end":                       {hs("exp", at), ReasonExpired, 0},
		"no end":                        {hs("exp", nil), ReasonInvalid, 0},
		"no end, issued now":            {hs("exp", nil, "iat", at), ReasonInvalid, 0},
		"not yet":                       {hs("nbf", at+1), ReasonEarly, 0},
		"another issuer":                {hs("iss", "x"), ReasonScope, 0},
		"no issuer":                     {hs("iss", nil), ReasonInvalid, 0},
		"another audience":              {hs("aud", "x"), ReasonScope, 0},
		"several audiences":             {hs("aud", []string{"x", "tv"}), "", 0},
		"its paths":                     {hs("paths", []string{"/premium/a/*"}), "", 2},
		"other paths":                   {hs("paths", []string{"/premium/b/*"}), ReasonScope, 0},
		"no path at all":                {hs("paths", []string{}), ReasonScope, 0},
		"a container":                   {hs("cdniuc", `regex:https://cdn\.example:8443/premium/a/.*`, "cdniv", 1, "cdnicrit", "cdniuc"), "", 2},
		"a container that is elsewhere": {hs("cdniuc", `regex:/premium/a/.*`), ReasonScope, 0},
		"a container by hash":           {hs("cdniuc", "hash:sha-256;x"), ReasonInvalid, 0},
		"a container that is broken":    {hs("cdniuc", "regex:("), ReasonInvalid, 0},
		"a critical claim":              {hs("cdnicrit", "cdniip"), ReasonInvalid, 0},
		"an encrypted address":          {hs("cdniip", "x.y.z"), ReasonInvalid, 0},
		"another version":               {hs("cdniv", 2), ReasonInvalid, 0},
		"three words":                   {"a.b.c", ReasonInvalid, 0},
	} {
		for way, r := range map[string]Request{
			"query": asks(entry + "?jwt=" + row.token), "URISigningPackage": asks(entry + "?URISigningPackage=" + row.token), "field": asks(entry, "Authorization", "Bearer "+row.token),
		} {
			g, err := p.Open(r, moment)
			if reason(err) != row.reason {
				t.Errorf("%s by %s: %v, want %q", what, way, err, row.reason)
			} else if err == nil && (g.Scope != scopeOf(row.scope) || g.Target != entry || g.Subject != "me") {
				t.Errorf("%s by %s: %+v, want scope %d", what, way, g, row.scope)
			}
		}
	}
}

// catToken is a CAT in the making.
type catToken struct {
	algorithm int
	header    map[any]any // protected
	open      map[any]any
	claims    map[any]any
	tags      []uint64 // outermost first
}

func newCAT(algorithm int, claims map[any]any) *catToken {
	return &catToken{algorithm: algorithm, header: map[any]any{1: algorithm}, open: map[any]any{}, claims: claims}
}

// oneOrder encodes a map alike each time, in each process of a fuzzer.
var oneOrder, _ = cbor.CanonicalEncOptions().EncMode()

func (c *catToken) seal(t testing.TB, sign func(text []byte) []byte) string {
	t.Helper()
	must := func(v any) []byte {
		b, err := oneOrder.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	protected, payload := must(c.header), must(c.claims)
	name := "Signature1"
	if c.algorithm > 0 {
		name = "MAC0"
	}
	var out any = []any{protected, c.open, payload, sign(must([]any{name, protected, []byte{}, payload}))}
	for i := len(c.tags) - 1; i >= 0; i-- {
		out = cbor.Tag{Number: c.tags[i], Content: out}
	}
	return base64.RawURLEncoding.EncodeToString(must(out))
}

func maced(key string) func([]byte) []byte {
	return func(text []byte) []byte {
		mac := hmac.New(sha256.New, []byte(key))
		mac.Write(text)
		return mac.Sum(nil)
	}
}

func catOf(t *testing.T, claims map[any]any) string {
	t.Helper()
	return newCAT(5, claims).seal(t, maced(firstSecret))
}

// A claim that narrows and is null is no claim that is absent: it opens nothing.
func TestClaimsOfAJWTThatAreNullOpenNothing(t *testing.T) {
	p := newStage(t).policy("prefix: /premium/, tokens: [jwt], " + allKeys)
	for name, want := range map[string]string{"exp": ReasonInvalid, "nbf": ReasonInvalid, "aud": ReasonInvalid, "paths": ReasonInvalid, "cdniuc": ReasonInvalid, "cdniip": ReasonInvalid, "other": ""} {
		token := jwtOf(t, jwt.SigningMethodHS256, []byte(firstSecret), jwt.MapClaims{"exp": now + 60, name: nil})
		if _, err := p.Open(asks(entry+"?jwt="+token), moment); reason(err) != want {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
	if _, err := p.Open(asks(entry+"?jwt="+jwtOf(t, jwt.SigningMethodHS256, []byte(firstSecret), nil)), moment); reason(err) != ReasonInvalid {
		t.Errorf("all of them: %v", err)
	}
}

// What is sealed by a good key and stands in a way that nobody means opens nothing.
func TestCATThatIsWrittenOddlyOpensNothing(t *testing.T) {
	p := newStage(t).policy("prefix: /premium/, tokens: [cat], " + allKeys)
	for what, change := range map[string]func(*catToken){
		"an extension outside":    func(c *catToken) { c.open[2] = []any{99} },
		"a tag twice":             func(c *catToken) { c.tags = []uint64{61, 61} },
		"a tag too many":          func(c *catToken) { c.tags = []uint64{61, 17, 18} },
		"a tag within":            func(c *catToken) { c.tags = []uint64{17, 17} },
		"a key named by a text":   func(c *catToken) { c.open[4] = "k1" },
		"an algorithm in parts":   func(c *catToken) { c.header[1] = 5.9 },
		"an algorithm as a float": func(c *catToken) { c.header[1] = 5.0 },
		"a claim named by a float": func(c *catToken) {
			c.claims[312.0] = map[any]any{3: in(1, "/other/")}
		},
	} {
		c := newCAT(5, map[any]any{4: now + 60})
		change(c)
		if _, err := p.Open(asks(entry+"?CAT="+c.seal(t, maced(firstSecret))), moment); reason(err) != ReasonInvalid {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// A token is spelled in one way: what decoders pass over is none of it.
func TestEndsOfLinesInATokenOpenNothing(t *testing.T) {
	p := newStage(t).policy("prefix: /premium/, tokens: [cat, jwt, url], " + allKeys)
	for kind, token := range map[string]string{
		"jwt": jwtOf(t, jwt.SigningMethodHS256, []byte(firstSecret), jwt.MapClaims{"exp": now + 60}), "CAT": catOf(t, map[any]any{4: now + 60}),
		"token": SignURL([]byte(firstSecret), "k1", "/premium/*", "", moment.Add(time.Minute)),
	} {
		for _, more := range []string{"", "%0a", "%0D", "%00", "%20", "%7f", "%C2%A0", "%ff"} {
			for _, at := range []int{0, len(token) / 2, len(token)} {
				spelled := token[:at] + more + token[at:]
				if _, err := p.Open(asks(entry+"?"+kind+"="+spelled), moment); (err == nil) != (more == "") {
					t.Errorf("%s with %q at %d: %v", kind, more, at, err)
				}
			}
		}
	}
}

func TestCATIsOpenedByItsKeyAlone(t *testing.T) {
	s := newStage(t)
	p := s.policy("prefix: /premium/, tokens: [cat], " + allKeys)
	claims := map[any]any{4: 1900000000, 2: "me"}
	es := func(text []byte) []byte {
		sum := sha256.Sum256(text)
		x, y, err := ecdsa.Sign(rand.Reader, s.ec, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		return append(x.FillBytes(make([]byte, 32)), y.FillBytes(make([]byte, 32))...)
	}
	with := func(change func(*catToken), sign func([]byte) []byte, algorithm int) string {
		c := newCAT(algorithm, claims)
		change(c)
		return c.seal(t, sign)
	}
	hs := func(change func(*catToken)) string { return with(change, maced(firstSecret), 5) }
	good := catOf(t, claims)
	for what, row := range map[string]struct {
		token string
		opens bool
	}{
		"HS256":                    {good, true},
		"padded":                   {good + strings.Repeat("=", (4-len(good)%4)%4), true},
		"with both tags":           {hs(func(c *catToken) { c.tags = []uint64{61, 17} }), true},
		"with COSE's tag":          {hs(func(c *catToken) { c.tags = []uint64{17} }), true},
		"with CWT's tag":           {hs(func(c *catToken) { c.tags = []uint64{61} }), true},
		"tagged as a signature":    {hs(func(c *catToken) { c.tags = []uint64{61, 18} }), false},
		"tags the wrong way round": {hs(func(c *catToken) { c.tags = []uint64{17, 61} }), false},
		"another tag":              {hs(func(c *catToken) { c.tags = []uint64{96} }), false},
		"by its key's name":        {hs(func(c *catToken) { c.open[4] = []byte("k1") }), true},
		"by a sealed name":         {hs(func(c *catToken) { c.header[4] = []byte("k1") }), true},
		"by another name":          {hs(func(c *catToken) { c.open[4] = []byte("k2") }), false},
		"the other key":            {with(func(*catToken) {}, maced(secondSecret), 5), true},
		"a foreign key":            {with(func(*catToken) {}, maced("somebody else's key altogether"), 5), false},
		"ES256":                    {with(func(c *catToken) { c.tags = []uint64{61, 18} }, es, -7), true},
		"ES256, untagged":          {with(func(*catToken) {}, es, -7), true},
		"ES256, tagged as a MAC":   {with(func(c *catToken) { c.tags = []uint64{17} }, es, -7), false},
		"a public key as a secret": {with(func(*catToken) {}, maced(s.public(&s.ec.PublicKey)), 5), false},
		"an empty key":             {with(func(*catToken) {}, maced(""), 5), false},
		"a MAC of 64 bits":         {with(func(*catToken) {}, func(text []byte) []byte { return maced(firstSecret)(text)[:8] }, 4), false},
		"an algorithm outside":     {hs(func(c *catToken) { delete(c.header, 1); c.open[1] = 5 }), false},
		"an extension":             {hs(func(c *catToken) { c.header[2] = []any{99} }), false},
		"changed":                  {good[:len(good)/2] + "A" + good[len(good)/2+1:], false},
		"no CBOR":                  {"AAAA", false},
		"no base64":                {"****", false},
		"nothing":                  {"", false},
	} {
		for way, r := range map[string]Request{"query": asks(entry + "?CAT=" + row.token), "field": asks(entry, HeaderCAT, row.token), "cookie": asks(entry, "Cookie", "a=b; "+HeaderCAT+"="+row.token)} {
			g, err := p.Open(r, moment)
			if (err == nil) != row.opens {
				t.Errorf("%s by %s: %v", what, way, err)
			} else if err == nil && (g.Subject != "me" || g.Until.Unix() != 1900000000 || g.Target != entry) {
				t.Errorf("%s by %s: %+v", what, way, g)
			}
		}
	}
}

// in is one way of matching.
func in(way int, value any) map[any]any { return map[any]any{way: value} }

var (
	now = moment.Unix()
	sum = sha256.Sum256([]byte("m.m3u8"))
)

// catRows: what a claim makes of a request.
var catRows = map[string]struct {
	claim  int
	value  any
	reason string
	scope  int
}{
	"its end":                  {4, now, ReasonExpired, 0},
	"an end in parts":          {4, float64(now) + 0.5, "", 0},
	"no number":                {4, math.NaN(), ReasonInvalid, 0},
	"an end beyond all":        {4, 1e300, ReasonInvalid, 0},
	"a start beyond all":       {5, -1e300, ReasonInvalid, 0},
	"an endless end":           {4, math.Inf(1), ReasonInvalid, 0},
	"an end in words":          {4, "tomorrow", ReasonInvalid, 0},
	"not yet":                  {5, now + 1, ReasonEarly, 0},
	"another issuer":           {1, "x", ReasonScope, 0},
	"an issuer of a number":    {1, 7, ReasonScope, 0},
	"another audience":         {3, "x", ReasonScope, 0},
	"several audiences":        {3, []any{"x", "tv"}, "", 0},
	"the version":              {310, 1, "", 0},
	"another version":          {310, 2, ReasonInvalid, 0},
	"the method":               {313, []any{"GET", "HEAD"}, "", 0},
	"another method":           {313, []any{"POST"}, ReasonScope, 0},
	"the protocol":             {314, []any{[]byte("h2"), []byte("http/1.1")}, "", 0},
	"another protocol":         {314, []any{[]byte("h3")}, ReasonScope, 0},
	"a path's prefix":          {312, map[any]any{3: in(1, "/premium/a/")}, "", 2},
	"a wide prefix":            {312, map[any]any{3: in(1, "/premium")}, "", 1},
	"a prefix of a name":       {312, map[any]any{3: in(1, "/premium/a")}, "", 2},
	"another prefix":           {312, map[any]any{3: in(1, "/premium/b/")}, ReasonScope, 0},
	"a path":                   {312, map[any]any{3: in(0, entry)}, "", 2},
	"a parent's prefix":        {312, map[any]any{5: in(1, "/premium/a")}, "", 2},
	"a grandparent's prefix":   {312, map[any]any{5: in(1, "/premium/")}, "", 1},
	"an ending":                {312, map[any]any{8: in(0, ".m3u8")}, "", 2},
	"a stem":                   {312, map[any]any{7: in(0, "m")}, "", 2},
	"a file by its hash":       {312, map[any]any{6: in(-1, sum[:])}, "", 2},
	"another file's hash":      {312, map[any]any{6: in(-2, sum[:])}, ReasonScope, 0},
	"host, port and scheme":    {312, map[any]any{0: in(0, "https"), 1: in(2, ".example"), 2: in(0, "8443")}, "", 0},
	"another host":             {312, map[any]any{1: in(0, "other.example")}, ReasonScope, 0},
	"a pattern":                {312, map[any]any{3: in(4, []any{"^/premium/[a-c]/", ""})}, "", 2},
	"a pattern that fails":     {312, map[any]any{3: in(4, []any{"^/free/"})}, ReasonScope, 0},
	"a pattern that is broken": {312, map[any]any{3: in(4, []any{"("})}, ReasonInvalid, 0},
	"two ways at once":         {312, map[any]any{3: map[any]any{1: "/premium/", 2: ".mpd"}}, ReasonScope, 0},
	"a query":                  {312, map[any]any{4: in(0, "v=1")}, "", 0},
	"a way in parts":           {312, map[any]any{3: map[any]any{1.5: "/premium/"}}, ReasonInvalid, 0},
	"an unknown way":           {312, map[any]any{3: in(9, "x")}, ReasonInvalid, 0},
	"no way":                   {312, map[any]any{3: map[any]any{}}, ReasonInvalid, 0},
	"an unknown part":          {312, map[any]any{9: in(0, "x")}, ReasonInvalid, 0},
	"no parts":                 {312, "x", ReasonInvalid, 0},
	"a field":                  {315, map[any]any{"X-Device": in(1, "tv-")}, "", 0},
	"another field":            {315, map[any]any{"X-Device": in(0, "phone")}, ReasonScope, 0},
	"the host as a field":      {315, map[any]any{"host": in(0, "cdn.example:8443")}, "", 0},
	"another host as a field":  {315, map[any]any{"Host": in(0, "cdn.example")}, ReasonScope, 0},
	"a field that is missing":  {315, map[any]any{"X-Other": in(1, "")}, ReasonScope, 0},
	"the address":              {311, []any{cbor.Tag{Number: 52, Content: []byte{203, 0, 113, 7}}}, "", 0},
	"the network":              {311, []any{64512, cbor.Tag{Number: 52, Content: []any{24, []byte{203, 0, 113}}}}, "", 0},
	"another network":          {311, []any{cbor.Tag{Number: 54, Content: []any{32, []byte{0x20, 1, 13, 0xb8}}}}, ReasonScope, 0},
	"a network's number":       {311, []any{64512}, ReasonScope, 0},
	"a long address":           {311, []any{cbor.Tag{Number: 52, Content: []byte{203, 0, 113, 7, 9}}}, ReasonScope, 0},
	"a broken network":         {311, []any{cbor.Tag{Number: 52, Content: []any{99, []byte{203, 0, 113, 7}}}}, ReasonScope, 0},
	"the country":              {316, []any{"SE", "NO"}, "", 0},
	"another country":          {316, []any{"SE"}, ReasonCountry, 0},
	"a part of the country":    {316, []any{"NO-03"}, ReasonCountry, 0},
	"reuse is allowed":         {308, 0, "", 0},
	"reuse is forbidden":       {308, 1, ReasonInvalid, 0},
	"a renewal":                {323, map[any]any{0: 2}, "", 0},
	"an unknown restriction":   {319, []byte("pin"), ReasonInvalid, 0},
	"a later restriction":      {999, 1, ReasonInvalid, 0},
	"a private claim":          {-70001, "x", "", 0},
}

func TestCATsClaimsNarrowWhatItOpens(t *testing.T) {
	s := newStage(t)
	p := s.policy("prefix: /premium/, tokens: [cat], issuer: shop, audience: [tv], " + allKeys)
	for what, row := range catRows {
		claims := map[any]any{1: "shop", 3: "tv", 4: now + 60}
		claims[row.claim] = row.value
		r := asks(entry+"?v=1&CAT="+catOf(t, claims), "X-Device", "tv-7")
		g, err := p.Open(r, moment)
		if reason(err) != row.reason {
			t.Errorf("%s: %v, want %q", what, err, row.reason)
		} else if err == nil && (g.Scope != scopeOf(row.scope) || g.Target != entry+"?v=1") {
			t.Errorf("%s: %+v, want scope %d", what, g, row.scope)
		}
	}
	for what, claims := range map[string]map[any]any{"no issuer": {3: "tv", 4: now + 60}, "no audience": {1: "shop", 4: now + 60}} {
		if _, err := p.Open(asks(entry+"?CAT="+catOf(t, claims)), moment); reason(err) != ReasonScope {
			t.Errorf("%s: %v", what, err)
		}
	}
	p.geo = nil
	if _, err := p.Open(asks(entry+"?CAT="+catOf(t, map[any]any{1: "shop", 3: "tv", 316: []any{"NO"}})), moment); reason(err) != ReasonInvalid {
		t.Errorf("a country without a geo file: %v", err)
	}
}

func FuzzCAT(f *testing.F) {
	good := newCAT(5, map[any]any{4: 1900000000, 312: map[any]any{3: map[any]any{1: "/premium/"}}}).seal(f, maced(firstSecret))
	f.Add(good)
	rule := &Rule{Prefix: "/", Tokens: []string{KindCAT}, keys: []Key{{ID: "k1", secret: []byte(firstSecret)}}}
	p := new(Policy)
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := p.judgeCAT(rule, text, asks(entry), moment); err == nil && strings.TrimRight(text, "=") != good {
			t.Fatalf("%q opens", text)
		}
	})
}

// The claims of a token are the signer's, who may be careless: whatever they are,
// they are judged.
func FuzzCATClaims(f *testing.F) {
	for _, claims := range []any{map[any]any{4: 1, 312: map[any]any{3: map[any]any{4: []any{"a", "b"}}}}, map[any]any{311: []any{cbor.Tag{Number: 54, Content: []any{1, []byte{2}}}}}} {
		b, _ := cbor.Marshal(claims)
		f.Add(b)
	}
	p := &Policy{}
	f.Fuzz(func(_ *testing.T, b []byte) {
		var claims map[any]any
		if strict.Unmarshal(b, &claims) != nil {
			return
		}
		c := &catCheck{policy: p, rule: &Rule{}, r: asks(entry), now: moment}
		_ = c.all(claims)
	})
}
