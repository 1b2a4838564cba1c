package access

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tandem/internal/protected"
	"tandem/internal/setting"
	"tandem/internal/wire"
)

const (
	maxGeo = 512 << 20 // bytes of the geo file

	longestLifetime = 365 * 24 * time.Hour
)

// document is the policy's file.
type document struct {
	Geo   string    `yaml:"geo"` // a MaxMind DB with countries
	Rules []ruleRow `yaml:"rules"`
}

type ruleRow struct {
	Prefix       string            `yaml:"prefix"`
	Tokens       []string          `yaml:"tokens"`
	Keys         []keyRow          `yaml:"keys"`
	Issuer       string            `yaml:"issuer"`
	Audience     []string          `yaml:"audience"`
	Parameters   map[string]string `yaml:"parameters"`
	MaxLifetime  string            `yaml:"max-lifetime"`
	Addresses    []string          `yaml:"addresses"`
	NotAddresses []string          `yaml:"not-addresses"`
	Countries    []string          `yaml:"countries"`
	NotCountries []string          `yaml:"not-countries"`
}

type keyRow struct {
	ID       string `yaml:"id"`
	File     string `yaml:"file"`     // beside the policy's file, or a whole path
	Encoding string `yaml:"encoding"` // of a secret: text, hex or base64
}

// Load reads a policy. An error names the rule and the mend. Files lists what was
// read, to see when it changes.
func Load(path string) (p *Policy, files []string, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, err
	}
	if len(strings.TrimSpace(string(text))) == 0 { // as while somebody writes it, or where a write found no room
		return nil, nil, fmt.Errorf("%s: it is empty, and would let everybody in: leave access-file out for that, or say rules: []", path)
	}
	var doc document
	if err := setting.Document(path, text, &doc); err != nil {
		return nil, nil, err
	}
	l := loader{dir: filepath.Dir(path), files: []string{path}}
	p, err = l.policy(&doc)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	return p, l.files, nil
}

type loader struct {
	dir   string
	files []string
}

func (l *loader) beside(path string) string {
	if !filepath.IsAbs(path) {
		path = filepath.Join(l.dir, path)
	}
	l.files = append(l.files, path)
	return path
}

func (l *loader) policy(doc *document) (*Policy, error) {
	p := &Policy{rules: make(map[string]*Rule, len(doc.Rules))}
	if doc.Geo != "" {
		path := l.beside(doc.Geo)
		info, err := os.Stat(path)
		if err != nil {
			return nil, fmt.Errorf("geo: %w", err)
		}
		if info.Size() > maxGeo {
			return nil, fmt.Errorf("geo: %s: %d bytes, at most %d", path, info.Size(), maxGeo)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("geo: %w", err)
		}
		if p.geo, err = openGeo(text); err != nil {
			return nil, fmt.Errorf("geo: %s: %w", path, err)
		}
	}
	for i := range doc.Rules {
		r, err := l.rule(&doc.Rules[i], p.geo != nil)
		if err != nil {
			return nil, fmt.Errorf("rule %d (%s): %w", i+1, doc.Rules[i].Prefix, err)
		}
		p.rules[protected.Canonical(r.Prefix)] = r
		p.list = append(p.list, wire.Protected{Prefix: r.Prefix, Open: r.open()})
	}
	p.paths = protected.New(p.list)
	return p, protected.Check(p.list)
}

func (l *loader) rule(row *ruleRow, geo bool) (*Rule, error) {
	r := &Rule{
		Prefix: row.Prefix, Tokens: row.Tokens, issuer: row.Issuer, audience: row.Audience, parameter: row.Parameters,
		countries: row.Countries, notCountries: row.NotCountries,
	}
	for _, kind := range r.Tokens {
		if judges[kind] == nil {
			return nil, fmt.Errorf("tokens: %q is none of url, jwt, cat", kind)
		}
	}
	for kind := range r.parameter {
		if judges[kind] == nil {
			return nil, fmt.Errorf("parameters: %q is none of url, jwt, cat", kind)
		}
	}
	if row.MaxLifetime != "" {
		d, err := time.ParseDuration(row.MaxLifetime)
		if err != nil || d < time.Second || d > longestLifetime {
			return nil, fmt.Errorf("max-lifetime: %q is no time from 1s to %s, like 12h", row.MaxLifetime, longestLifetime)
		}
		if len(r.Tokens) == 0 {
			return nil, errors.New("max-lifetime: no token is asked for; see tokens")
		}
		r.maximum = d
	}
	if len(r.Tokens) > 0 && len(row.Keys) == 0 {
		return nil, errors.New("keys: tokens are asked for, and there is no key that opens one")
	}
	if len(row.Keys) > 32 {
		return nil, errors.New("keys: at most 32")
	}
	for _, k := range row.Keys {
		key, err := readKey(k, l.dir)
		if err != nil {
			return nil, fmt.Errorf("key %q: %w", k.ID, err)
		}
		l.beside(k.File)
		r.keys = append(r.keys, key)
	}
	for _, code := range slices.Concat(r.countries, r.notCountries) {
		if len(code) != 2 || strings.ToUpper(code) != code {
			return nil, fmt.Errorf("countries: %q is no code of two capital letters (ISO 3166-1)", code)
		}
		if !geo {
			return nil, errors.New("countries: they need a geo file (geo: GeoLite2-Country.mmdb)")
		}
	}
	var err error
	if r.allowed, err = networks("addresses", row.Addresses); err == nil {
		r.denied, err = networks("not-addresses", row.NotAddresses)
	}
	return r, err
}

func networks(field string, texts []string) ([]netip.Prefix, error) {
	var list []netip.Prefix
	for _, text := range texts {
		n, err := netip.ParsePrefix(text)
		if a, bad := netip.ParseAddr(text); bad == nil {
			n, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %q is neither an address nor a network like 10.0.0.0/8", field, text)
		}
		list = append(list, n.Masked())
	}
	return list, nil
}
