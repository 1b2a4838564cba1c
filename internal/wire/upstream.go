package wire

import (
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Bounds of upstreams: they are part of the placement, which every node holds.
const (
	MaxUpstreams       = 256
	MaxUpstreamServers = 16
	maxUpstreamBytes   = 16 << 10 // of one, its certificates included
	maxUpstreamFields  = 16
	maxAllUpstreams    = 512 << 10 // bytes of all
)

// How one of several servers is chosen.
const (
	UpstreamFirst  = "first"  // the first that is well, in the order of the list
	UpstreamSpread = "spread" // by a hash of the folder: a stream stays with one
)

// What becomes of a redirect of an origin.
const (
	RedirectRewrite = "rewrite" // it is handed on; one to the upstream itself leads to the edge
	RedirectFollow  = "follow"  // the edge goes after it
)

// Upstream says where what lies below a prefix comes from: which origins, and the
// way to them.
type Upstream struct {
	Prefix      string            `json:"prefix" yaml:"prefix"` // of the request target's path; the longest counts
	Servers     []UpstreamServer  `json:"servers" yaml:"servers"`
	Policy      string            `json:"policy,omitempty" yaml:"policy"`                   // UpstreamFirst where it is left out
	Host        string            `json:"host,omitempty" yaml:"host"`                       // Host of requests (default: the URL's)
	TLSName     string            `json:"tls_name,omitempty" yaml:"tls-name"`               // name in the certificate, and for SNI (default: the URL's)
	CA          string            `json:"ca,omitempty" yaml:"ca"`                           // PEM, or a file of it: who signs its certificates (default: the system's)
	Certificate string            `json:"certificate,omitempty" yaml:"certificate"`         // PEM or file: the client's own
	Key         string            `json:"key,omitempty" yaml:"key"`                         // PEM or file
	Node        bool              `json:"node,omitempty" yaml:"node"`                       // its servers are origins of this cluster: both sides show the cluster's certificates
	Fields      map[string]string `json:"request_fields,omitempty" yaml:"request-fields"`   // set in every request
	Redirects   string            `json:"redirects,omitempty" yaml:"redirects"`             // RedirectRewrite where it is left out
	Connect     Span              `json:"connect_timeout,omitempty" yaml:"connect-timeout"` // for one server, all its addresses (default 2s)
	Next        Span              `json:"next_after,omitempty" yaml:"next-after"`           // without a head for so long the next server is asked as well (default 2s)
	Age         Span              `json:"connection_age,omitempty" yaml:"connection-age"`   // a connection is not used again when it is older (default 5m)
	Check       *UpstreamCheck    `json:"health_check,omitempty" yaml:"health-check"`       // nil: by requests alone
}

// UpstreamServer is one origin.
type UpstreamServer struct {
	URL    string `json:"url" yaml:"url"`                 // http://host:port/base; a name and password go as Basic credentials
	Backup bool   `json:"backup,omitempty" yaml:"backup"` // only when no other one is well
}

// UpstreamCheck is an active health check: a GET at an interval.
type UpstreamCheck struct {
	Target  string `json:"target" yaml:"target"` // below the server's base, "/health"
	Every   Span   `json:"every,omitempty" yaml:"every"`
	Timeout Span   `json:"timeout,omitempty" yaml:"timeout"`
}

// Span is a time that people write with its unit: "250ms", "3s".
type Span time.Duration

// MarshalText is for JSON and YAML.
func (s Span) MarshalText() ([]byte, error) { return []byte(time.Duration(s).String()), nil }

// UnmarshalText is for JSON and YAML.
func (s *Span) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	if err != nil || d <= 0 || d > time.Hour {
		return fmt.Errorf("%q is no time; want one with its unit, like 2s, up to 1h", text)
	}
	*s = Span(d)
	return nil
}

// Or is the time, or another one where none was given.
func (s Span) Or(d time.Duration) time.Duration {
	if s == 0 {
		return d
	}
	return time.Duration(s)
}

// CheckUpstreams names the first of a list that can't be, and the fix.
func CheckUpstreams(all []Upstream) error {
	if len(all) > MaxUpstreams {
		return fmt.Errorf("%d upstreams; at most %d", len(all), MaxUpstreams)
	}
	seen, total := map[string]bool{}, 0
	for i := range all {
		u := &all[i]
		if total += u.bytes(); total > maxAllUpstreams {
			return fmt.Errorf("upstreams: more than %d bytes (a certificate can be named by its file)", maxAllUpstreams)
		}
		if err := u.check(); err != nil {
			return fmt.Errorf("upstream %q: %w", u.Prefix, err)
		}
		if seen[u.Prefix] {
			return fmt.Errorf("upstream %q: it is there twice", u.Prefix)
		}
		seen[u.Prefix] = true
	}
	return nil
}

func (u *Upstream) check() error {
	switch {
	case !strings.HasPrefix(u.Prefix, "/") || !strings.HasSuffix(u.Prefix, "/") || strings.ContainsAny(u.Prefix, "?# \r\n\x00"):
		return errors.New("prefix: want a path with a slash at both ends, like /news/")
	case strings.HasPrefix(u.Prefix, Internal) || strings.HasPrefix(u.Prefix, SessionPrefix):
		return errors.New("prefix: this path is the cluster's own")
	case u.bytes() > maxUpstreamBytes:
		return fmt.Errorf("%d bytes; at most %d (a certificate can be named by its file)", u.bytes(), maxUpstreamBytes)
	case len(u.Servers) == 0 || len(u.Servers) > MaxUpstreamServers:
		return fmt.Errorf("servers: %d; want 1 to %d", len(u.Servers), MaxUpstreamServers)
	case u.Policy != "" && u.Policy != UpstreamFirst && u.Policy != UpstreamSpread:
		return fmt.Errorf("policy: %q is none of %s, %s", u.Policy, UpstreamFirst, UpstreamSpread)
	case u.Redirects != "" && u.Redirects != RedirectRewrite && u.Redirects != RedirectFollow:
		return fmt.Errorf("redirects: %q is none of %s, %s", u.Redirects, RedirectRewrite, RedirectFollow)
	case (u.Certificate == "") != (u.Key == ""):
		return errors.New("certificate and key go together")
	case u.Node && u.CA+u.Certificate+u.TLSName != "":
		return errors.New("node: it proves itself by the cluster's certificate; leave ca, certificate, key and tls-name out")
	case u.Node && u.Redirects == RedirectFollow:
		return errors.New("node: an origin of the cluster sends nobody elsewhere; leave redirects out")
	case strings.ContainsAny(u.Host+u.TLSName, " /\r\n\x00"):
		return errors.New("host, tls-name: want names")
	case u.Check != nil && (!strings.HasPrefix(u.Check.Target, "/") || strings.ContainsAny(u.Check.Target, "# \r\n\x00")):
		return errors.New("health-check: target: want a path like /health")
	}
	seen := map[string]bool{}
	for i := range u.Servers {
		base, err := u.Servers[i].Base()
		if err != nil {
			return fmt.Errorf("servers: %w", err)
		}
		if u.Node && base.Scheme != "https" {
			return fmt.Errorf("servers: %s: an origin of the cluster is asked by TLS; want https", base.Redacted())
		}
		base.User = nil
		if seen[base.String()] {
			return fmt.Errorf("servers: %s is there twice", base)
		}
		seen[base.String()] = true
	}
	return u.checkFields()
}

func (u *Upstream) checkFields() error {
	if len(u.Fields) > maxUpstreamFields {
		return fmt.Errorf("request-fields: %d; at most %d", len(u.Fields), maxUpstreamFields)
	}
	for name, value := range u.Fields {
		if name == "" || strings.Trim(name, tokenChars) != "" || strings.ContainsAny(value, "\r\n\x00") {
			return fmt.Errorf("request-fields: %q is no field", name)
		}
		switch strings.ToLower(name) {
		case "host":
			return errors.New("request-fields: Host has a key of its own, host")
		case "connection", "content-length", "transfer-encoding", "te", "trailer", "upgrade", "range", "if-range":
			return fmt.Errorf("request-fields: %s is not for everybody's requests", name)
		}
	}
	return nil
}

// tokenChars are the characters of a field's name (RFC 9110 section 5.6.2).
const tokenChars = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

func (u *Upstream) bytes() int {
	n := len(u.Prefix) + len(u.Host) + len(u.TLSName) + len(u.CA) + len(u.Certificate) + len(u.Key)
	for name, value := range u.Fields {
		n += len(name) + len(value)
	}
	for _, s := range u.Servers {
		n += len(s.URL)
	}
	if u.Check != nil {
		n += len(u.Check.Target)
	}
	return n
}

// Base is the server's URL. No error says its password.
func (s *UpstreamServer) Base() (*url.URL, error) {
	u, err := url.Parse(s.URL)
	switch {
	case err != nil: // which would say all of it
		return nil, fmt.Errorf("this is no URL: %s; want one like https://origin.example.com/base", withoutPassword(s.URL))
	case u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.Opaque != "":
		return nil, fmt.Errorf("%q is no base URL; want one like https://origin.example.com/base", u.Redacted())
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return nil, fmt.Errorf("%q: want a port from 1 to 65535", u.Redacted())
		}
	}
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), strings.TrimRight(u.RawPath, "/")
	return u, nil
}

// withoutPassword is a text that may be a URL without what stands before an @.
func withoutPassword(text string) string {
	if i := strings.LastIndexByte(text, '@'); i >= 0 {
		text = "..." + text[i:]
	}
	return fmt.Sprintf("%q", text)
}

// hidden stands in place of what is secret; net/url has its own word for passwords.
const (
	hidden         = "..."
	hiddenPassword = "xxxxx"
)

// IsRedacted tells whether something stands in place of a secret.
func (u *Upstream) IsRedacted() bool {
	for _, value := range u.Fields {
		if value == hidden {
			return true
		}
	}
	for _, s := range u.Servers {
		base, err := s.Base()
		if err != nil || base.User == nil {
			continue
		}
		if password, _ := base.User.Password(); password == hiddenPassword {
			return true
		}
	}
	return u.Key == hidden
}

// Redacted is an upstream as it may be shown: without what is secret.
func (u Upstream) Redacted() Upstream {
	shown := u
	shown.Servers = make([]UpstreamServer, len(u.Servers))
	for i, s := range u.Servers {
		shown.Servers[i] = s
		if base, err := s.Base(); err == nil {
			shown.Servers[i].URL = base.Redacted()
		}
	}
	if len(u.Fields) > 0 {
		shown.Fields = make(map[string]string, len(u.Fields))
		for name := range u.Fields {
			shown.Fields[name] = hidden
		}
	}
	if strings.Contains(u.Key, "-----BEGIN") {
		shown.Key = hidden
	}
	return shown
}

// SameUpstreams tells whether two lists say the same. One is never changed once it
// is in a placement.
func SameUpstreams(a, b []Upstream) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0] || reflect.DeepEqual(a, b))
}

// UpstreamOf is the upstream of a request target: the one with the longest prefix
// of its path. Nil: none.
func UpstreamOf(all []Upstream, target string) *Upstream {
	var found *Upstream
	path, _, _ := strings.Cut(target, "?")
	for i := range all {
		if strings.HasPrefix(path, all[i].Prefix) && (found == nil || len(all[i].Prefix) > len(found.Prefix)) {
			found = &all[i]
		}
	}
	return found
}
