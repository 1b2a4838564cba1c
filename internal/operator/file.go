package operator

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"tandem/internal/secret"
	"tandem/internal/setting"
)

// document is the operators' file.
type document struct {
	Metrics string     `yaml:"metrics"` // open: who scrapes needs no token
	Tokens  []tokenRow `yaml:"tokens"`
	OIDC    *oidcRow   `yaml:"oidc"`
}

type tokenRow struct {
	Name string `yaml:"name"`
	Role string `yaml:"role"`
	Hash string `yaml:"hash"` // SHA-256 of the token, hex: `tandem operator NAME` makes both
}

type oidcRow struct {
	Issuer       string              `yaml:"issuer"`
	ClientID     string              `yaml:"client-id"`
	ClientSecret string              `yaml:"client-secret-file"` // beside the file, or a whole path
	Redirect     string              `yaml:"redirect"`           // https://HOST:PORT/auth/callback
	Claim        string              `yaml:"claim"`              // of the ID token, whose values name roles; groups by default
	Roles        map[string][]string `yaml:"roles"`              // by role: values of the claim
}

// file is the operators' file, read. It never changes.
type file struct {
	openMetrics bool
	tokens      map[string]Person // by hash, hex
	oidc        *oidcConfig
}

type oidcConfig struct {
	issuer, clientID, clientSecret, redirect, claim string
	roles                                           map[string]Role // by value of the claim; the highest counts
}

// MaxName is how long an operator's name may be, in bytes.
const MaxName = 64

// IsName tells whether somebody may be called so.
func IsName(name string) bool { return name != "" && len(name) <= MaxName }

// load reads the operators' file, which nobody else may read or write: who can
// write it is admin.
func load(path string) (*file, error) {
	text, err := secret.Read(path)
	if err != nil {
		return nil, err
	}
	var doc document
	if err := setting.Document(path, text, &doc); err != nil {
		return nil, err
	}
	f, err := doc.read(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

func (d *document) read(dir string) (*file, error) {
	f := &file{tokens: map[string]Person{}}
	switch d.Metrics {
	case "open":
		f.openMetrics = true
	case "", "viewer":
	default:
		return nil, fmt.Errorf("metrics: %q is neither open nor viewer", d.Metrics)
	}
	names := map[string]bool{}
	for i, row := range d.Tokens {
		role, err := ParseRole(row.Role)
		raw, bad := hex.DecodeString(row.Hash)
		switch {
		case !IsName(row.Name) || names[row.Name]:
			return nil, fmt.Errorf("token %d: name %q: want one of its own, of 1 to %d bytes", i+1, row.Name, MaxName)
		case err != nil:
			return nil, fmt.Errorf("token of %s: %w", row.Name, err)
		case bad != nil || len(raw) != sha256.Size:
			return nil, fmt.Errorf("token of %s: hash: want 64 hex digits, as `tandem operator %s` prints them", row.Name, row.Name)
		}
		names[row.Name] = true
		f.tokens[strings.ToLower(row.Hash)] = Person{Name: row.Name, Role: role, By: "token"}
	}
	if d.OIDC != nil {
		var err error
		if f.oidc, err = d.OIDC.read(dir); err != nil {
			return nil, fmt.Errorf("oidc: %w", err)
		}
	}
	if len(f.tokens) == 0 && f.oidc == nil {
		return nil, errors.New("it names nobody: `tandem operator NAME --role admin` makes a token")
	}
	return f, nil
}

func (o *oidcRow) read(dir string) (*oidcConfig, error) {
	for name, text := range map[string]string{"issuer": o.Issuer, "redirect": o.Redirect} {
		u, err := url.Parse(text)
		if err != nil || u.Host == "" || u.Scheme != "https" && !loopbackName(u.Hostname()) {
			return nil, fmt.Errorf("%s: %q is no https URL", name, text)
		}
	}
	if !strings.HasSuffix(o.Redirect, callbackPath) {
		return nil, fmt.Errorf("redirect: %q does not end with %s", o.Redirect, callbackPath)
	}
	if o.ClientID == "" {
		return nil, errors.New("client-id is missing")
	}
	c := &oidcConfig{issuer: o.Issuer, clientID: o.ClientID, redirect: o.Redirect, claim: o.Claim, roles: map[string]Role{}}
	if c.claim == "" {
		c.claim = "groups"
	}
	if o.ClientSecret != "" {
		path := o.ClientSecret
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		text, err := secret.Text(path)
		if err != nil {
			return nil, fmt.Errorf("client-secret-file: %w", err)
		}
		c.clientSecret = text
	}
	for name, values := range o.Roles {
		role, err := ParseRole(name)
		if err != nil {
			return nil, fmt.Errorf("roles: %w", err)
		}
		for _, v := range values {
			c.roles[v] = max(c.roles[v], role)
		}
	}
	if len(c.roles) == 0 {
		return nil, fmt.Errorf("roles: nobody gets in: say which values of %s are which role", c.claim)
	}
	return c, nil
}

// oidcIssuer is who logs people in, "" when nobody does.
func (f *file) oidcIssuer() string {
	if f == nil || f.oidc == nil {
		return ""
	}
	return f.oidc.issuer
}

// who is the owner of a token.
func (f *file) who(token string) (Person, bool) {
	p, ok := f.tokens[hashOf(token)]
	return p, ok
}

// hashOf is what is kept of a token. It is drawn, not chosen, so that a plain hash
// can't be turned back; looking it up takes as long for every token.
func hashOf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// tokenMark begins every token, so that people and scanners of files know one.
const tokenMark = "tandem-operator-"

// NewToken draws a token, and the hash for the operators' file.
func NewToken() (token, hash string) {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails: it ends the process first
	token = tokenMark + base64.RawURLEncoding.EncodeToString(raw)
	return token, hashOf(token)
}
