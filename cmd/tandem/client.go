package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"tandem/internal/cluster"
	"tandem/internal/secret"
	"tandem/internal/setting"
	"tandem/lb/api"
)

const (
	defaultAdmin = "http://127.0.0.1:9080"
	clientLimit  = 10 * time.Second // for one balancer's answer: more than it takes for an order (lb/api)
	maxAnswer    = 64 << 20
)

// client talks to the operators' API of whichever balancer answers.
type client struct {
	admin   string // base URL from the flag
	cluster string // path of a cluster.json
	token   string // file with the operator's token
	ca      string // file of the certificates that are trusted
	json    bool
	limit   time.Duration     // for one balancer's answer; 0: clientLimit
	asks    *cluster.Operator // nil until somebody is asked
}

// rows are the settings that all operators' commands share.
func (c *client) rows() []setting.Row {
	return []setting.Row{
		setting.String(&c.admin, "admin", "", "Admin URL of a balancer (default: those of --cluster, else "+defaultAdmin+")."),
		setting.String(&c.cluster, "cluster", "", "A cluster.json as `tandem demo` writes it (default: $TANDEM_CLUSTER, ./cluster.json)."),
		setting.String(&c.token, "token-file", "", "File with an operator's token, where balancers ask for one (default: the token in $TANDEM_TOKEN)."),
		setting.String(&c.ca, "ca", "", "File with the certificates, PEM, by which https is trusted: a root, the cluster's roots.pem, or the listener's own (default: what cluster.json names, else this machine's roots)."),
	}
}

// listRows add --json for the commands that show something.
func (c *client) listRows() []setting.Row {
	return append(c.rows(), setting.Bool(&c.json, "json", false, "The API's own answer instead of a table."))
}

// addresses lists the balancers that can be asked, in order.
func (c *client) addresses() ([]string, error) {
	if c.admin != "" {
		admins := strings.Split(c.admin, ",")
		for i, admin := range admins {
			admins[i] = baseOf(admin, c.ca != "")
		}
		return admins, nil
	}
	path := c.file()
	if path == "" {
		return []string{defaultAdmin}, nil
	}
	f, err := cluster.Read(path)
	if err != nil {
		return nil, err
	}
	if len(f.Admins()) == 0 {
		return nil, fmt.Errorf("%s names no balancer", path)
	}
	c.ca = cmp.Or(c.ca, f.CA)
	return f.Admins(), nil
}

// baseOf is a base URL, also of an address as a listener's is written.
func baseOf(admin string, secure bool) string {
	switch {
	case strings.Contains(admin, "://"):
		return admin
	case secure:
		return "https://" + admin
	}
	return "http://" + admin
}

// file is the path of the cluster.json that is meant; "": there is none.
func (c *client) file() string {
	if c.cluster != "" {
		return c.cluster
	}
	if path := os.Getenv("TANDEM_CLUSTER"); path != "" {
		return path
	}
	if _, err := os.Stat("cluster.json"); err == nil {
		return "cluster.json"
	}
	return ""
}

// answerError is what a balancer said no with: nobody else is asked.
type answerError struct{ text string }

func (e *answerError) Error() string { return e.text }

// unableError is what a balancer said that can't do it now: another one may.
type unableError struct {
	text   string
	leader string // admin URL of the one that can; "": it did not say
	old    bool   // what it knows is of before
}

func (e *unableError) Error() string { return e.text }

// call asks one balancer after the other until one answers whose view of the cluster is not old;
// that of one that was taken out, or is cut off, is better than none.
func (c *client) call(ctx context.Context, method, path string, body, into any) error {
	bases, err := c.addresses()
	if err != nil {
		return err
	}
	if c.asks == nil {
		if c.asks, err = operatorBy(c.ca, c.token); err != nil {
			return err
		}
	}
	var last, unable error
	var old *answer
	for i := 0; i < len(bases); i++ {
		base := strings.TrimRight(bases[i], "/")
		var said answer
		if said, last = c.answer(ctx, method, base+path, body); last == nil {
			if said.old && method == http.MethodGet {
				old = cmp.Or(old, &said)
				continue
			}
			return said.read(into)
		}
		if errors.As(last, new(*answerError)) {
			return last
		}
		var no *unableError
		if errors.As(last, &no) {
			if unable == nil || !no.old {
				unable = last
			}
			if to := no.leader; to != "" && !slices.Contains(bases, to) && (strings.HasPrefix(to, "https://") || !strings.HasPrefix(base, "https://")) { // no token goes in clear by that
				bases = append(bases, to)
			}
		}
	}
	if old != nil {
		return old.read(into)
	}
	if unable != nil { // it says more than that others are dead
		return unable
	}
	if len(bases) == 1 {
		return fmt.Errorf("no balancer at %w (see --admin)", last)
	}
	return fmt.Errorf("none of %d balancers answers: %w", len(bases), last)
}

// ask asks one balancer.
func (c *client) ask(ctx context.Context, method, address string, body, into any) error {
	said, err := c.answer(ctx, method, address, body)
	if err != nil {
		return err
	}
	return said.read(into)
}

// answer is what a balancer has said; old: it says itself that what it knows is of before.
type answer struct {
	text []byte
	old  bool
}

func (a *answer) read(into any) error {
	if into == nil || len(bytes.TrimSpace(a.text)) == 0 {
		return nil
	}
	switch to := into.(type) {
	case *[]byte:
		*to = a.text
	case *json.RawMessage:
		*to = a.text
	default:
		return json.Unmarshal(a.text, into)
	}
	return nil
}

func (c *client) answer(ctx context.Context, method, address string, body any) (said answer, err error) {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(c.limit, clientLimit))
	defer cancel()
	var send io.Reader
	kind := "application/json"
	if text, ok := body.([]byte); ok {
		send, kind = bytes.NewReader(text), "application/octet-stream"
	} else if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return said, err
		}
		send = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, address, send)
	if err != nil {
		return said, setting.Usage("--admin: %w", err)
	}
	if body != nil {
		req.Header.Set("Content-Type", kind)
	}
	if c.asks == nil {
		if c.asks, err = operatorBy(c.ca, c.token); err != nil {
			return said, err
		}
	}
	c.asks.Sign(req)
	resp, err := c.asks.HTTP.Do(req)
	if err != nil {
		return said, unreached(address, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return said, err
	}
	if resp.StatusCode >= 300 {
		return said, refusal(resp, text)
	}
	return answer{text, resp.Header.Get(api.HeaderStale) != ""}, nil
}

// unreached says where nobody answers, and why in the system's word.
func unreached(address string, err error) error {
	at := address
	if u, bad := url.Parse(address); bad == nil {
		at = u.Scheme + "://" + u.Host
	}
	var errno syscall.Errno
	var asked *url.Error
	var dialled *net.OpError
	var unverified *tls.CertificateVerificationError
	switch {
	case errors.As(err, &unverified):
		return fmt.Errorf("%s: %w (--ca FILE, or TANDEM_CA, names the certificates to trust)", at, unverified)
	case errors.Is(err, http.ErrSchemeMismatch):
		return fmt.Errorf("%s: what listens there has no TLS (--admin-cert); call it by http://", at)
	case errors.As(err, &dialled) && dialled.Op == "proxyconnect":
		return fmt.Errorf("%s: the proxy of HTTPS_PROXY: %w; NO_PROXY names what is asked directly", at, dialled.Err)
	case errors.As(err, &errno):
		return fmt.Errorf("%s: %w", at, errno)
	case errors.As(err, &asked) && asked.Timeout():
		return fmt.Errorf("%s: no answer in time", at)
	case asked != nil:
		return fmt.Errorf("%s: %w", at, asked.Err)
	}
	return err
}

// operatorBy asks with the token of a file, or of the environment, and trusts what ca
// holds.
func operatorBy(ca, token string) (*cluster.Operator, error) {
	o, err := cluster.NewOperator(ca)
	if err != nil {
		return nil, setting.Usage("--ca: %w", err)
	}
	if token != "" {
		text, err := secret.Read(token)
		if err != nil {
			return nil, setting.Usage("--token-file: %w", err)
		}
		o.Token = strings.TrimSpace(string(text))
	}
	return o, nil
}

// isTLS tells whether that is what a listener with TLS says to who does not speak it.
func isTLS(text []byte) bool { return bytes.Contains(text, []byte("HTTP request to an HTTPS server")) }

// refusal reads the API's error line. A balancer that can't answer now (502,
// 503) is passed by, since another one may.
func refusal(resp *http.Response, text []byte) error {
	var said struct {
		Error  string `json:"error"`
		Reason string `json:"reason"`
		Leader string `json:"leader"`
	}
	if resp.StatusCode == http.StatusBadRequest && isTLS(text) {
		return &answerError{"this listener has TLS: https://" + resp.Request.URL.Host + " (a token that was shown went in clear)"}
	}
	plain := json.Unmarshal(text, &said) != nil || said.Error == ""
	if plain && resp.StatusCode == http.StatusNotFound { // an edge's, an origin's, somebody else's
		return &answerError{"what answers at " + resp.Request.URL.Scheme + "://" + resp.Request.URL.Host + " is no balancer's admin listener (see --admin)"}
	}
	if plain {
		said.Error = resp.Status + " " + strings.TrimSpace(string(text[:min(len(text), 200)]))
	}
	if resp.StatusCode == http.StatusBadGateway || resp.StatusCode == http.StatusServiceUnavailable || said.Reason == api.ReasonItself {
		return &unableError{said.Error, said.Leader, resp.Header.Get(api.HeaderStale) != ""}
	}
	return &answerError{said.Error}
}

// show prints the API's answer to a GET as JSON, or gives it to a table.
func show[T any](ctx context.Context, c *client, path string, out io.Writer, table func(io.Writer, T)) error {
	if c.json {
		var raw json.RawMessage
		if err := c.call(ctx, http.MethodGet, path, nil, &raw); err != nil {
			return err
		}
		_, err := fmt.Fprintln(out, strings.TrimSpace(string(raw)))
		return err
	}
	var answer T
	if err := c.call(ctx, http.MethodGet, path, nil, &answer); err != nil {
		return err
	}
	table(out, answer)
	return nil
}
