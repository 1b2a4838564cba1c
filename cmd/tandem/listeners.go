package main

import (
	"net"
	"net/http"

	"tandem/internal/front"
	"tandem/internal/run"
	"tandem/internal/serve"
	"tandem/lb"
)

// balancerListeners are the listeners of one balancer. Raft has its own.
type balancerListeners struct {
	viewers, admins net.Listener
	secure          net.Listener // TLS; nil without a certificate
}

// openBalancer opens them and puts the real addresses where port 0 was
// asked for, so that the balancer tells others the right ones.
func openBalancer(cfg *lb.Config) (balancerListeners, func(), error) {
	var d balancerListeners
	var opened []net.Listener
	closeAll := func() {
		for _, l := range opened {
			l.Close()
		}
	}
	for _, row := range []struct {
		flag string
		addr *string
		to   *net.Listener
	}{
		{"--listen", &cfg.Listen, &d.viewers},
		{"--admin-listen", &cfg.AdminListen, &d.admins},
		{"--tls-listen", &cfg.TLSListen, &d.secure},
	} {
		if *row.addr == "" && row.to == &d.secure {
			continue
		}
		l, err := serve.Listen(row.flag, *row.addr)
		if err != nil {
			closeAll()
			return d, nil, err
		}
		opened = append(opened, l)
		*row.to, *row.addr = l, l.Addr().String()
	}
	return d, closeAll, nil
}

// viewerParts serve h to viewers, plain and with TLS.
func (d balancerListeners) viewerParts(b *lb.LB, h http.Handler, quick func(*front.Loop) front.Quick) []run.Part {
	parts := []run.Part{serve.Listener{Name: "listen", Socket: d.viewers, Server: b.Front(h, quick)}.Part()}
	if d.secure != nil {
		parts = append(parts, serve.Listener{Name: "tls-listen", Socket: d.secure, Server: serve.Secured{Server: b.Server(h), Config: b.TLSConfig()}}.Part())
	}
	return parts
}
