package upstream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tandem/internal/wire"
)

const (
	maxIdle     = 64
	idleTimeout = 60 * time.Second
	maxHead     = 256 << 10 // bytes of an answer's head, tags for purging included
	readBuffer  = 64 << 10
)

var errNoIdentity = errors.New("node: this edge has no certificate of the cluster; see --identity")

// server is one origin: the way to it, what is known of it, and its figures.
type server struct {
	group  *group
	name   string // its base URL, for people
	base   *url.URL
	basic  string  // Authorization from the URL, "": none
	plain  *server // that this one is by https, since it leads there; nil: it is in the upstream's setting, or strange
	backup bool
	dialer *dialer
	health health
	age    time.Duration

	mu        sync.Mutex
	transport *http.Transport // guarded by mu
	made      time.Time       // guarded by mu

	checking  atomic.Bool
	checkNext time.Time // owned by Run
	counts    [results]atomic.Int64
}

func newServer(g *group, c *wire.UpstreamServer) (*server, error) {
	base, err := c.Base()
	if err != nil {
		return nil, err
	}
	s := &server{group: g, base: base, backup: c.Backup, age: g.config.Age.Or(defaultAge)}
	if base.User != nil {
		password, _ := base.User.Password()
		s.basic = "Basic " + base64.StdEncoding.EncodeToString([]byte(base.User.Username()+":"+password))
		base.User = nil
	}
	port := base.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[base.Scheme]
	}
	s.name = base.String() // without what stood before an @
	s.dialer = &dialer{host: base.Hostname(), port: port, limit: g.config.Connect.Or(defaultConnect), now: g.u.deps.Now, lookup: g.u.deps.Lookup}
	s.transport, err = s.newTransport()
	s.made = g.u.deps.Now()
	return s, err
}

// newTransport makes a pool of connections. Files of certificates are read each
// time: so they can change.
func (s *server) newTransport() (*http.Transport, error) {
	t := &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			return reading(s.dialer.dial(ctx, network, address))
		},
		ResponseHeaderTimeout: s.group.u.cfg.HeadTimeout, MaxIdleConnsPerHost: maxIdle, IdleConnTimeout: idleTimeout,
		DisableCompression:     true, // bytes are kept as they are
		MaxResponseHeaderBytes: maxHead, ReadBufferSize: readBuffer,
	}
	if s.base.Scheme != "https" {
		return t, nil
	}
	own, err := s.tlsConfig()
	if err != nil {
		return nil, err
	}
	t.DialTLSContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		return reading(s.dialer.dialTLS(ctx, network, address, own))
	}
	return t, nil
}

func (s *server) tlsConfig() (*tls.Config, error) {
	c := &s.group.config
	if c.Node {
		if s.group.u.deps.Nodes == nil {
			return nil, errNoIdentity
		}
		return s.group.u.deps.Nodes(s.dialer.host), nil
	}
	own := &tls.Config{ServerName: c.TLSName, MinVersion: tls.VersionTLS12}
	if own.ServerName == "" {
		own.ServerName = s.dialer.host
	}
	if c.CA != "" {
		text, err := pem(c.CA)
		if err != nil {
			return nil, fmt.Errorf("ca: %w", err)
		}
		own.RootCAs = x509.NewCertPool()
		if !own.RootCAs.AppendCertsFromPEM(text) {
			return nil, errors.New("ca: no certificate in it; want PEM or the name of a file of it")
		}
	}
	if c.Certificate != "" {
		certificate, err := pem(c.Certificate)
		if err != nil {
			return nil, fmt.Errorf("certificate: %w", err)
		}
		key, err := pem(c.Key)
		if err != nil {
			return nil, fmt.Errorf("key: %w", err)
		}
		pair, err := tls.X509KeyPair(certificate, key)
		if err != nil {
			return nil, fmt.Errorf("certificate, key: %w", err)
		}
		own.Certificates = []tls.Certificate{pair}
	}
	return own, nil
}

// pem is a text of PEM, or what the file of that name holds.
func pem(text string) ([]byte, error) {
	if strings.Contains(text, "-----BEGIN") {
		return []byte(text), nil
	}
	return os.ReadFile(text)
}

// connections is the pool for the next request. It is a new one when the old one's
// connections are too old, or lead where the name does not lead any more; those
// that are busy are finished.
func (s *server) connections() *http.Transport {
	moved, now := s.dialer.moved(), s.group.u.deps.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !moved && now.Sub(s.made) < s.age {
		return s.transport
	}
	s.made = now
	next, err := s.newTransport()
	if err != nil {
		s.group.u.deps.Logger.Error().Err(err).Str("origin", s.name).Msg("the origin's certificates can't be read; the old ones stay")
		return s.transport
	}
	s.transport.CloseIdleConnections()
	s.transport = next
	if moved {
		s.group.u.deps.Logger.Debug().Str("origin", s.name).Msg("the origin has another address; its old connections are not used again")
	}
	return next
}

// close has the next request ask by new connections: busy ones are finished, and not
// used again.
func (s *server) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.made = time.Time{}
	s.transport.CloseIdleConnections()
}

// url is where a request target is at this server. Opaque is sent as it is.
func (s *server) url(target string) *url.URL {
	where := s.base.EscapedPath() + target
	if !strings.HasPrefix(where, "//") {
		return &url.URL{Scheme: s.base.Scheme, Host: s.base.Host, Opaque: where}
	}
	raw, query, found := strings.Cut(where, "?")
	u := &url.URL{Scheme: s.base.Scheme, Host: s.base.Host, Path: raw, RawPath: raw, RawQuery: query, ForceQuery: found && query == ""}
	if path, err := url.PathUnescape(raw); err == nil {
		u.Path = path
	}
	return u
}
