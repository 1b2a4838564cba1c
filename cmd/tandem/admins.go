package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"tandem/internal/obs"
	"tandem/internal/operator"
	"tandem/internal/run"
	"tandem/internal/serve"
	"tandem/internal/setting"
	"tandem/internal/wire"
)

// adminConfig is who may order what on an admin listener.
type adminConfig struct {
	operators string
	hosts     []string
	open      bool
}

// Settings are the rows that every role has.
func (c *adminConfig) Settings() []setting.Row {
	return []setting.Row{
		setting.String(&c.operators, "operators-file", "", "File of those who may use admin-listen, with their roles (docs/security.md); read anew when it changes. None: everybody on this machine is admin, and admin-listen has to be a loopback address."),
		setting.List(&c.hosts, "admin-hosts", "Names by which admin-listen is called, beside addresses, localhost and the names of this node and its host; a page that calls it by another name gets nothing (DNS rebinding)."),
		setting.Bool(&c.open, "admin-open", false, "Without an operators-file, and whatever admin-listen is, everybody who reaches it is admin: for a network that is yours alone."),
	}
}

// guard puts the gate before an admin listener: what it serves, and what runs beside.
// Orders are logged, and told to audit as well, where that is not nil.
func (c *adminConfig) guard(life *serve.Life, name string, ln net.Listener, h http.Handler, log zerolog.Logger, rows []operator.Row, audit func(wire.Audited)) ([]run.Part, error) {
	hosts := append([]string{name}, c.hosts...)
	if own, err := os.Hostname(); err == nil {
		hosts = append(hosts, own)
	}
	gate, err := operator.New(operator.Config{Name: name, File: c.operators, Listen: ln.Addr().String(), Hosts: hosts, Open: c.open}, operator.Deps{
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
	handler := gate.Wrap(h, slices.Concat(operator.Common, operator.AuthRows, rows)...)
	return []run.Part{
		{Name: "operators", Run: gate.Run},
		life.Part(serve.Admin(ln, life.Health(handler))),
	}, nil
}
