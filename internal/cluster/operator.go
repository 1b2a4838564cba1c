package cluster

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"strings"
)

// TokenEnv is where an operator's token stands for commands.
const TokenEnv = "TANDEM_TOKEN"

// Operator asks admin listeners. The zero value has no token, and trusts whom this
// machine trusts.
type Operator struct {
	Token string
	HTTP  http.Client
}

// NewOperator trusts the certificates that a file (PEM) holds, and what they have
// signed; "": whom this machine trusts. The token is that of the environment.
func NewOperator(ca string) (*Operator, error) {
	o := &Operator{Token: strings.TrimSpace(os.Getenv(TokenEnv))}
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
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	o.HTTP.Transport = transport
	return o, nil
}

// Sign shows who asks.
func (o *Operator) Sign(r *http.Request) {
	if o.Token != "" {
		r.Header.Set("Authorization", "Bearer "+o.Token)
	}
}
