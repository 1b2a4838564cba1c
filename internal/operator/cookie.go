package operator

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// sessionLife is how long a login is good.
const sessionLife = 12 * time.Hour

// sealer seals what a browser keeps for us.
type sealer struct{ key []byte }

func newSealer() *sealer {
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key) // never fails: it ends the process first
	return &sealer{key}
}

// sealed is what stands in a cookie.
type sealed struct {
	ID      string   `json:"id,omitempty"` // of a login
	Name    string   `json:"name,omitempty"`
	By      string   `json:"by,omitempty"`
	Issuer  string   `json:"issuer,omitempty"` // of a login by OIDC
	Groups  []string `json:"groups,omitempty"` // values of its claim that gave a role: what they are worth is said by the file
	Token   string   `json:"token,omitempty"`  // hash of the token of the login, which has to be good still
	State   string   `json:"state,omitempty"`  // of a login by OIDC that is under way
	Nonce   string   `json:"nonce,omitempty"`
	Proof   string   `json:"proof,omitempty"` // PKCE
	Expires int64    `json:"expires"`         // unix seconds
}

func (s sealer) seal(purpose string, v sealed) string {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // texts and a number
	}
	text := base64.RawURLEncoding.EncodeToString(body)
	return text + "." + base64.RawURLEncoding.EncodeToString(s.mac(purpose, text))
}

func (s sealer) mac(purpose, text string) []byte {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte(purpose + "\x00" + text))
	return mac.Sum(nil)
}

func (s sealer) open(purpose, text string, now time.Time) (v sealed, ok bool) {
	body, seal, _ := strings.Cut(text, ".")
	sum, err := base64.RawURLEncoding.DecodeString(seal)
	if err != nil || !hmac.Equal(sum, s.mac(purpose, body)) {
		return sealed{}, false
	}
	raw, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil || json.Unmarshal(raw, &v) != nil || now.Unix() >= v.Expires {
		return sealed{}, false
	}
	return v, true
}

// login opens the login that somebody shows; false: it is none, or has ended.
func (g *Gate) login(has shown) (sealed, bool) {
	v, ok := g.seals.Load().open("session", has.login, g.deps.Now())
	return v, ok && !g.endings.ended(v.ID)
}

// leave ends a login, here and wherever its cookie was copied to.
func (g *Gate) leave(has shown) {
	if v, ok := g.login(has); ok && !g.endings.end(v.ID, v.Expires, g.deps.Now().Unix()) {
		g.seals.Store(newSealer()) // all log in anew: better than one who was to be out stays in
	}
	g.endRevoked()
}

// cookie is one that only this listener gets back, and no script reads.
func (g *Gate) cookie(name, value string, life time.Duration, site http.SameSite) *http.Cookie {
	c := &http.Cookie{Name: name, Value: value, Path: "/", HttpOnly: true, SameSite: site, Secure: g.cfg.Secure, MaxAge: int(life / time.Second)}
	if value == "" {
		c.MaxAge = -1
	}
	return c
}

// cookieName tells the cookies of several nodes on one host apart: a browser does
// not, by their ports.
func (g *Gate) cookieName(what string) string {
	name := "tandem-" + what + "-" + g.cfg.Name
	if g.cfg.Secure {
		name = "__Host-" + name
	}
	return name
}
