package cluster

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
)

// TokenEnv is where an operator's token stands for commands.
const TokenEnv = "TANDEM_TOKEN"

// Operator asks admin listeners. The zero value has no token, trusts whom this
// machine trusts, and knows no proxy.
type Operator struct {
	Token string
	HTTP  http.Client
}

// NewOperator trusts the certificates that a file (PEM) holds, and what they have
// signed; "": whom this machine trusts. The token is that of the environment.
func NewOperator(ca string) (*Operator, error) {
	o := &Operator{Token: strings.TrimSpace(os.Getenv(TokenEnv))}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = ownProxy(http.ProxyFromEnvironment)
	transport.OnProxyConnectResponse = refusedByProxy
	o.HTTP.Transport = transport
	if ca == "" {
		return o, nil
	}
	text, err := os.ReadFile(ca)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s: no certificate in it, as PEM", ca)
	}
	transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	return o, nil
}

// ownProxy takes the machine's proxy (HTTPS_PROXY, NO_PROXY) for https alone, where it
// carries bytes that it can't read: by http:// it would have the operator's token, and every
// order. Addresses of private networks, and names without a dot, are asked directly in any
// case: a proxy that leads out does not know them.
func ownProxy(machine func(*http.Request) (*url.URL, error)) func(*http.Request) (*url.URL, error) {
	return func(r *http.Request) (*url.URL, error) {
		if r.URL.Scheme != "https" || isNear(r.URL.Hostname()) {
			return nil, nil
		}
		return machine(r)
	}
}

// isNear tells whether a host is one of a network of one's own.
func isNear(host string) bool {
	if at, err := netip.ParseAddr(host); err == nil {
		at = at.Unmap()
		return at.IsLoopback() || at.IsPrivate() || at.IsLinkLocalUnicast()
	}
	return !strings.Contains(strings.TrimSuffix(host, "."), ".")
}

// refusedByProxy names who said no: it was not the balancer.
func refusedByProxy(_ context.Context, proxy *url.URL, _ *http.Request, answer *http.Response) error {
	if answer.StatusCode == http.StatusOK {
		return nil
	}
	return fmt.Errorf("the proxy %s (HTTPS_PROXY) answers %s; NO_PROXY names what is asked directly", proxy.Host, answer.Status)
}

// Sign shows who asks.
func (o *Operator) Sign(r *http.Request) {
	if o.Token != "" {
		r.Header.Set("Authorization", "Bearer "+o.Token)
	}
}
