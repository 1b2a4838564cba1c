package main

import (
	"cmp"
	"crypto/tls"
	"net"
	"net/http"
	"strings"

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
	nodes           net.Listener // TLS with both sides' certificates; nil without an identity
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
		{"node-listen", &cfg.NodeListen, &d.nodes},
	} {
		if *row.addr == "" && (row.to == &d.secure || row.to == &d.nodes) {
			continue
		}
		l, err := sockets.Listen(row.name, *row.addr)
		if err != nil {
			return d, err
		}
		*row.to, *row.addr = l, l.Addr().String()
	}
	if err := cfg.Advertised(func() (string, error) { return advertised(d.viewers, d.nodes, []string{cfg.Join}, log) }); err != nil {
		return d, setting.Wrong(err)
	}
	for _, line := range cfg.Contradictions() {
		log.Warn().Str("why", line).Msg("listening elsewhere than where the others call")
	}
	raft, err := sockets.Listen("raft-listen", cfg.RaftListen())
	if err != nil {
		return d, err
	}
	switch told := cfg.UseRaft(raft); {
	case told != "":
		log.Info().Str("address", told).Str("set", "--raft-advertise").Msg("listening at all addresses: others are told this one")
	case !cfg.SaysRaft():
		err = serve.CheckNear("--raft-listen", raft.Addr().String(), []string{cfg.Join})
	}
	return d, setting.Wrong(err)
}

// advertised is where nodes call this one: its listener for nodes, if it has one.
func advertised(viewers, nodes net.Listener, others []string, log zerolog.Logger) (string, error) {
	if nodes == nil {
		base, err := serve.Advertised(viewers, "--advertise", others, log)
		return base, cmp.Or(err, serve.CheckNear("--listen", viewers.Addr().String(), others))
	}
	base, err := serve.Advertised(nodes, "--advertise", others, log)
	return secured(base), cmp.Or(err, serve.CheckNear("--node-listen", nodes.Addr().String(), others))
}

// secured is a base URL with TLS.
func secured(base string) string {
	if rest, ok := strings.CutPrefix(base, "http://"); ok {
		return "https://" + rest
	}
	return base
}

// openNodes opens a listener for nodes; nil: there is to be none.
func openNodes(life *serve.Life, name, addr string) (net.Listener, error) {
	if addr == "" {
		return nil, nil
	}
	return life.Sockets.Listen(name, addr)
}

// callable is the base URL of the listener that nodes call.
func callable(viewers, nodes net.Listener) string {
	if nodes == nil {
		return serve.BaseURL(viewers)
	}
	return secured(serve.BaseURL(nodes))
}

// nodesPart serves nodes, at a listener of their own or at that of viewers; nothing
// where they have no names.
func nodesPart(life *serve.Life, name string, ln net.Listener, server *http.Server, config *tls.Config, others *front.Others) []run.Part {
	if config == nil {
		return nil
	}
	if others != nil {
		ln = others
	} else {
		ln = front.BoundNodes(ln)
	}
	return []run.Part{life.Part(serve.Listener{Name: name, Socket: ln, Server: serve.HTTP(server, config), Nodes: true})}
}

// viewerParts serve h to viewers, plain and with TLS; what they ask is logged.
func (d balancerListeners) viewerParts(life *serve.Life, b *lb.LB, access *accesslog.Log, h http.Handler, quick func(*front.Loop) front.Quick) (*front.Server, []run.Part) {
	h, quick = access.Handler(life.HealthAt(wire.PathHealth, h)), access.Quick(quick)
	server := b.Front(h, quick)
	parts := []run.Part{life.Part(serve.Listener{Name: "listen", Socket: d.viewers, Server: server})}
	if d.secure != nil {
		parts = append(parts, life.Part(serve.Listener{Name: "tls-listen", Socket: d.secure, Server: b.Secure(h, quick)}))
	}
	nodes, config, others := b.Process().Nodes()
	return server, append(parts, nodesPart(life, "node-listen", d.nodes, nodes, config, others)...)
}
