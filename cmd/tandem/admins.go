package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"tandem/internal/budget"
	"tandem/internal/certificate"
	"tandem/internal/identity"
	"tandem/internal/obs"
	"tandem/internal/operator"
	"tandem/internal/run"
	"tandem/internal/serve"
	"tandem/internal/setting"
	"tandem/internal/wire"
)

// adminConfig is who may order what on an admin listener, and how they are spoken with.
type adminConfig struct {
	operators string
	hosts     []string
	open      bool
	cert, key string
	plain     bool
	most      int // connections
	each      int // of one client

	own *atomic.Pointer[certificate.File] // set by shown; nil: nobody asks
}

// Settings are the rows that every role has.
func (c *adminConfig) Settings() []setting.Row {
	return []setting.Row{
		setting.String(&c.operators, "operators-file", "", "File of those who may use admin-listen, with their roles (docs/security.md); read anew when it changes. None: everybody on this machine is admin, and admin-listen has to be a loopback address."),
		setting.List(&c.hosts, "admin-hosts", "Names by which admin-listen is called, beside addresses, localhost and the names of this node and its host; a page that calls it by another name gets nothing (DNS rebinding)."),
		setting.Bool(&c.open, "admin-open", false, "Without an operators-file, and whatever admin-listen is, everybody who reaches it is admin: for a network that is yours alone."),
		setting.String(&c.cert, "admin-cert", "", "File with the certificate chain of admin-listen, PEM: it speaks TLS, and nothing else; read anew when it changes. The node's own does, for who trusts the cluster's roots: node.pem in the directory of its identity."),
		setting.String(&c.key, "admin-key", "", "File with that certificate's key, PEM (default: it stands in admin-cert)."),
		setting.Int(&c.most, "admin-connections", 1000, 8, 100000, "connections", "Most connections to admin-listen at once; further ones are reset."),
		setting.Int(&c.each, "admin-connections-per-client", 200, 4, 100000, "connections", "Most of them from one address (IPv6: /64); a proxy before it is one, and so are those on this machine, which are bounded by the sum alone."),
		setting.Bool(&c.plain, "admin-plain", false, "admin-listen has no TLS on purpose, whatever its address is: a proxy before it has, or the network encrypts. Without it operators' tokens in clear are warned of."),
	}
}

// validate says in one line what can't be; advertised is what others are told.
func (c *adminConfig) validate(advertised string) error {
	switch {
	case c.cert == "" && c.key != "":
		return errors.New("--admin-key: a key needs its certificate (--admin-cert)")
	case c.cert != "" && c.plain:
		return errors.New("--admin-plain: there is TLS by --admin-cert; one of the two goes")
	case c.cert != "" && strings.HasPrefix(advertised, "http://"):
		return fmt.Errorf("--advertise-admin: %s: the listener has TLS (--admin-cert): https://%s", advertised, strings.TrimPrefix(advertised, "http://"))
	}
	return nil
}

// base is the URL of an admin listener.
func (c *adminConfig) base(ln net.Listener) string {
	if c.cert != "" {
		return secured(serve.BaseURL(ln))
	}
	return serve.BaseURL(ln)
}

// shown is the certificate of the process's admin listeners; nil: they have none.
func (c *adminConfig) shown(log zerolog.Logger) (*certificate.File, error) {
	key := c.key
	if key == "" {
		key = c.cert
	}
	f, err := certificate.Open(c.cert, key, log)
	if err != nil {
		return nil, setting.Wrong(fmt.Errorf("--admin-cert: %w", err))
	}
	if c.own != nil && f != nil {
		c.own.Store(f)
	}
	return f, nil
}

// troubles is what there is to say of the certificate, for who calls it while the
// process runs.
func (c *adminConfig) troubles(now func() time.Time) func() []wire.Trouble {
	c.own = new(atomic.Pointer[certificate.File])
	own := c.own
	return func() []wire.Trouble {
		f := own.Load()
		if f == nil {
			return nil
		}
		how := identity.Ending(f.Leaf(), now())
		if how == "" {
			return nil
		}
		return []wire.Trouble{{Text: "the admin listener's certificate " + how, Next: "Renew " + f.Name() + ": new files are read by themselves."}}
	}
}

// places bounds the connections of one admin listener. A client is an address, or the /64
// of an IPv6 one; on this machine there are proxies, and commands of everybody.
func (c *adminConfig) places() serve.Places {
	l := budget.NewLimiter(c.most, c.each, func(address string) string {
		if net.ParseIP(address).IsLoopback() {
			return ""
		}
		return wire.ClientOf(address)
	})
	return func(address string) (func(), bool) {
		p, ok := l.Enter(address)
		if !ok {
			l.Leave(&p)
			return nil, false
		}
		return func() { l.Leave(&p) }, true
	}
}

// warns tells of tokens that go over a network in clear.
func (c *adminConfig) warns(ln net.Listener, log zerolog.Logger) {
	if tcp, ok := ln.Addr().(*net.TCPAddr); c.cert == "" && !c.plain && c.operators != "" && (!ok || !tcp.IP.IsLoopback()) {
		log.Warn().Str("address", ln.Addr().String()).Str("set", "--admin-cert").Msg("the admin listener has no TLS: operators' tokens and logins go in clear")
	}
}

// guard puts the gate before an admin listener: what it serves, and what runs beside.
// Orders are logged, and told to audit as well, where that is not nil.
func (c *adminConfig) guard(life *serve.Life, name string, ln net.Listener, h http.Handler, log zerolog.Logger, rows []operator.Row, audit func(wire.Audited)) ([]run.Part, error) {
	hosts := append([]string{name}, c.hosts...)
	if own, err := os.Hostname(); err == nil {
		hosts = append(hosts, own)
	}
	shown, err := c.shown(log)
	if err != nil {
		return nil, err
	}
	gate, err := operator.New(operator.Config{Name: name, File: c.operators, Listen: ln.Addr().String(), Hosts: hosts, Open: c.open, Secure: shown != nil}, operator.Deps{
		Now: time.Now,
		Audit: func(e operator.Entry) {
			log.Info().Str("who", e.Who).Str("role", e.Role).Str("by", e.By).Str("from", e.From).Str("method", e.Method).Str("path", e.Path).Int("status", e.Status).Msg(obs.AuditEvent)
			if audit != nil {
				audit(e)
			}
		},
		Tell: func(err error) { log.Warn().Err(err).Msg("operators") },
	})
	if errors.Is(err, operator.ErrOpen) {
		return nil, setting.Wrong(fmt.Errorf("--admin-listen: %w", err))
	}
	if err != nil {
		return nil, setting.Wrong(fmt.Errorf("--operators-file: %w", err))
	}
	c.warns(ln, log)
	handler := gate.Wrap(h, slices.Concat(operator.Common, operator.AuthRows, rows)...)
	return append(watched(shown), run.Part{Name: "operators", Run: gate.Run}, life.Part(serve.Admin(ln, life.Health(handler), shown.Config(), c.places()))), nil
}

// watched has a certificate's files looked at.
func watched(f *certificate.File) []run.Part {
	if f == nil {
		return nil
	}
	return []run.Part{{Name: "admin-cert", Run: f.Run}}
}
