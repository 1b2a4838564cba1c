package main

import (
	"net"
	"net/http"

	"tandem/internal/accesslog"
	"tandem/internal/front"
	"tandem/internal/run"
	"tandem/internal/serve"
	"tandem/internal/setting"
	"tandem/internal/wire"
	"tandem/lb"

	"github.com/rs/zerolog"
)

// balancerListeners are the sockets of one balancer.
type balancerListeners struct {
	viewers, admins net.Listener
	secure          net.Listener // TLS; nil without a certificate
}

// openBalancer opens them and puts the real addresses where port 0 was asked
// for, so that the balancer tells others the right ones. Raft's is the balancer's
// own, unless it was passed.
func openBalancer(sockets *serve.Sockets, cfg *lb.Config, log zerolog.Logger) (balancerListeners, error) {
	var d balancerListeners
	for _, row := range []struct {
		name string
		addr *string
		to   *net.Listener
	}{
		{"listen", &cfg.Listen, &d.viewers},
		{"admin-listen", &cfg.AdminListen, &d.admins},
		{"tls-listen", &cfg.TLSListen, &d.secure},
	} {
		if *row.addr == "" && row.to == &d.secure {
			continue
		}
		l, err := sockets.Listen(row.name, *row.addr)
		if err != nil {
			return d, err
		}
		*row.to, *row.addr = l, l.Addr().String()
	}
	if err := cfg.Advertised(func() (string, error) { return serve.Advertised(d.viewers, "--advertise", []string{cfg.Join}, log) }); err != nil {
		return d, setting.Wrong(err)
	}
	raft, err := sockets.Listen("raft-listen", cfg.RaftListen())
	if err != nil {
		return d, err
	}
	cfg.UseRaft(raft)
	return d, nil
}

// viewerParts serve h to viewers, plain and with TLS; what they ask is logged.
func (d balancerListeners) viewerParts(life *serve.Life, b *lb.LB, access *accesslog.Log, h http.Handler, quick func(*front.Loop) front.Quick) (*front.Server, []run.Part) {
	h, quick = access.Handler(life.HealthAt(wire.PathHealth, h)), access.Quick(quick)
	server := b.Front(h, quick)
	parts := []run.Part{life.Part(serve.Listener{Name: "listen", Socket: d.viewers, Server: server})}
	if d.secure != nil {
		parts = append(parts, life.Part(serve.Listener{Name: "tls-listen", Socket: d.secure, Server: b.Secure(h, quick)}))
	}
	return server, parts
}
