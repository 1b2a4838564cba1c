package operator

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
)

// issuer is an OpenID provider that lets everybody in.
type issuer struct {
	*httptest.Server
	key    *rsa.PrivateKey
	claims jwt.MapClaims              // of the next ID token, beside the usual
	asked  url.Values                 // of the last authorization request
	kid    string                     // of its key
	away   bool                       // it tells nothing of itself any more, and gives tokens still
	sign   func(jwt.MapClaims) string // nil: as it should
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	i := &issuer{key: key, kid: "1"}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		if i.away {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{
			"issuer": i.URL, "authorization_endpoint": i.URL + "/authorize", "token_endpoint": i.URL + "/token", "jwks_uri": i.URL + "/keys",
			"id_token_signing_alg_values_supported": []string{"RS256"},
		})
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		if i.away {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		n, e := key.N.Bytes(), []byte{1, 0, 1}
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": []any{map[string]any{
			"kty": "RSA", "alg": "RS256", "use": "sig", "kid": i.kid, "n": jwtBase64(n), "e": jwtBase64(e),
		}}})
	})
	mux.HandleFunc("/token", func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		if r.Form.Get("code_verifier") == "" || r.Form.Get("code") != "good" {
			http.Error(w, `{"error":"invalid_grant"}`, http.StatusBadRequest)
			return
		}
		claims := jwt.MapClaims{"iss": i.URL, "aud": "tandem", "sub": "u1", "exp": 4_000_000_000, "iat": 1, "nonce": i.asked.Get("nonce")}
		for k, v := range i.claims {
			claims[k] = v
		}
		token := jwt.NewWithClaims(jwt.SigningMethodRS256, claims)
		token.Header["kid"] = i.kid
		text, _ := token.SignedString(key)
		if i.sign != nil {
			text = i.sign(claims)
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]string{"access_token": "a", "token_type": "Bearer", "id_token": text})
	})
	i.Server = httptest.NewServer(mux)
	t.Cleanup(i.Close)
	return i
}

func jwtBase64(b []byte) string {
	return strings.TrimRight(strings.NewReplacer("+", "-", "/", "_").Replace(base64Of(b)), "=")
}

func base64Of(b []byte) string {
	text, _ := json.Marshal(b)
	return strings.Trim(string(text), `"`)
}

// login goes through a login: state and code are what comes back from the issuer.
func (s *stage) login(i *issuer, state func(string) string, code string) *http.Response {
	s.t.Helper()
	begin := s.ask("GET", "/auth/oidc", "")
	at, err := url.Parse(begin.Header.Get("Location"))
	if err != nil || begin.StatusCode != http.StatusFound || !strings.HasPrefix(at.String(), i.URL+"/authorize?") {
		s.t.Fatalf("%s to %s", begin.Status, at)
	}
	i.asked = at.Query()
	if i.asked.Get("code_challenge_method") != "S256" || i.asked.Get("client_id") != "tandem" || i.asked.Get("state") == "" {
		s.t.Fatal(i.asked)
	}
	cookie := strings.SplitN(begin.Header.Get("Set-Cookie"), ";", 2)[0]
	return s.ask("GET", "/auth/callback?state="+url.QueryEscape(state(i.asked.Get("state")))+"&code="+code, "", "Cookie", cookie)
}

func TestLoginByTheIssuersWord(t *testing.T) {
	i := newIssuer(t)
	s := newStage(t, "oidc: {issuer: '"+i.URL+"', client-id: tandem, redirect: 'https://lb.example/auth/callback', roles: {viewer: [all], operator: [noc], admin: [sre]}}\n")
	same := func(state string) string { return state }
	for what, row := range map[string]struct {
		claims jwt.MapClaims
		state  func(string) string
		code   string
		role   string
	}{
		"of a group":                    {jwt.MapClaims{"groups": []string{"all"}}, same, "good", "viewer"},
		"of two groups":                 {jwt.MapClaims{"groups": []string{"noc", "all", "x"}}, same, "good", "operator"},
		"of one group, as a text":       {jwt.MapClaims{"groups": "sre"}, same, "good", "admin"},
		"of no group":                   {jwt.MapClaims{}, same, "good", ""},
		"of another group":              {jwt.MapClaims{"groups": []string{"x"}}, same, "good", ""},
		"another login's state":         {jwt.MapClaims{"groups": []string{"all"}}, func(string) string { return "x" }, "good", ""},
		"a code that the issuer denies": {jwt.MapClaims{"groups": []string{"all"}}, same, "bad", ""},
		"another login's nonce":         {jwt.MapClaims{"groups": []string{"all"}, "nonce": "x"}, same, "good", ""},
		"another client's token":        {jwt.MapClaims{"groups": []string{"all"}, "aud": "x"}, same, "good", ""},
		"another party's token":         {jwt.MapClaims{"groups": []string{"all"}, "aud": []string{"tandem", "x"}, "azp": "x"}, same, "good", ""},
		"one for others as well":        {jwt.MapClaims{"groups": []string{"all"}, "aud": []string{"x", "tandem"}, "azp": "tandem"}, same, "good", "viewer"},
		"nobody's":                      {jwt.MapClaims{"groups": []string{"all"}, "sub": ""}, same, "good", ""},
		"another issuer's":              {jwt.MapClaims{"groups": []string{"all"}, "iss": "https://x"}, same, "good", ""},
		"one that has expired":          {jwt.MapClaims{"groups": []string{"all"}, "exp": s.now.Unix() - 1}, same, "good", ""},
	} {
		i.claims = row.claims
		resp := s.login(i, row.state, row.code)
		if row.role == "" {
			if resp.StatusCode != http.StatusForbidden || strings.Contains(resp.Header.Get("Set-Cookie"), "session") {
				t.Errorf("%s: %s", what, resp.Status)
			}
			continue
		}
		session := ""
		for _, c := range resp.Cookies() {
			if c.Name == "tandem-session-lb-1" {
				session = c.Name + "=" + c.Value
			}
		}
		if me := text(s.ask("GET", "/auth/me", "", "Cookie", session)); resp.StatusCode != http.StatusOK || !strings.Contains(me, `"role":"`+row.role+`"`) || !strings.Contains(me, `"by":"oidc"`) {
			t.Errorf("%s: %s, %s", what, resp.Status, me)
		}
	}
	if resp := s.ask("GET", "/auth/callback?state=&code=good", ""); resp.StatusCode != http.StatusForbidden {
		t.Error("nothing was begun:", resp.Status)
	}
	i.Close()
	fresh := newStage(t, "oidc: {issuer: '"+i.URL+"', client-id: tandem, redirect: 'https://lb.example/auth/callback', roles: {viewer: [all]}}\n")
	if resp := fresh.ask("GET", "/auth/oidc", ""); resp.StatusCode != http.StatusBadGateway || len(fresh.told) != 1 {
		t.Error("the issuer is away:", resp.Status, fresh.told)
	}
}

func TestNameIsOneThatTheIssuerHasVerified(t *testing.T) {
	c := &oidcConfig{claim: "groups", roles: map[string]Role{"all": Viewer}}
	for want, claims := range map[string]map[string]any{
		"me@x.example": {"email": "me@x.example", "email_verified": true, "groups": "all"}, "u1": {"email": "boss@x.example", "groups": "all"},
	} {
		if p, _, err := c.person("u1", claims); err != nil || p.Name != want {
			t.Errorf("%v, %v; want %s", p, err, want)
		}
	}
}

// A token is the issuer's if its own key has signed it, in the way that key is for.
func TestLoginByATokenThatTheIssuerDidNotSign(t *testing.T) {
	i := newIssuer(t)
	i.claims = jwt.MapClaims{"groups": []string{"all"}}
	s := newStage(t, "oidc: {issuer: '"+i.URL+"', client-id: tandem, redirect: 'https://lb.example/auth/callback', roles: {viewer: [all]}}\n")
	same := func(state string) string { return state }
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&i.key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	by := func(method jwt.SigningMethod, key any) func(jwt.MapClaims) string {
		return func(claims jwt.MapClaims) string {
			token := jwt.NewWithClaims(method, claims)
			token.Header["kid"] = i.kid
			text, err := token.SignedString(key)
			if err != nil {
				t.Error(err)
			}
			return text
		}
	}
	good := by(jwt.SigningMethodRS256, i.key)
	for what, sign := range map[string]func(jwt.MapClaims) string{
		"nobody":                    by(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType),
		"another key by its name":   by(jwt.SigningMethodRS256, other),
		"its public key, as a MAC":  by(jwt.SigningMethodHS256, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})),
		"the same, in DER":          by(jwt.SigningMethodHS256, public),
		"the client's name":         by(jwt.SigningMethodHS256, []byte("tandem")),
		"a way that it did not say": by(jwt.SigningMethodRS384, i.key),
		"its key, and cut": func(claims jwt.MapClaims) string {
			text := good(claims)
			return text[:strings.LastIndexByte(text, '.')+1]
		},
		"its key, for another": func(claims jwt.MapClaims) string {
			parts, evil := strings.Split(good(claims), "."), maps.Clone(claims)
			evil["groups"] = []string{"all", "sre"}
			parts[1] = strings.Split(good(evil), ".")[1]
			return strings.Join(parts, ".")
		},
		"no token at all": func(jwt.MapClaims) string { return "" },
		"two clients": func(claims jwt.MapClaims) string {
			claims["aud"] = []string{"other"}
			return good(claims)
		},
	} {
		i.sign = sign
		if resp := s.login(i, same, "good"); resp.StatusCode != http.StatusForbidden || strings.Contains(strings.Join(resp.Header["Set-Cookie"], " "), "session") {
			t.Errorf("signed by %s: %s", what, resp.Status)
		}
	}
	i.sign = good
	if resp := s.login(i, same, "good"); resp.StatusCode != http.StatusOK {
		t.Error("as it should be:", resp.Status)
	}
}
