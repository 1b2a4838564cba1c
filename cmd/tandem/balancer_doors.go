package main

import (
	"net"
	"net/http"

	"tandem/internal/front"
	"tandem/internal/run"
	"tandem/lb"
)

// balancerDoors are the listeners of one balancer. Raft has its own.
type balancerDoors struct {
	viewers, admins net.Listener
	secure          net.Listener // TLS; nil without a certificate
}

// balancerListeners opens them and puts the real addresses where port 0 was
// asked for, so that the balancer tells others the right ones.
func balancerListeners(cfg *lb.Config) (balancerDoors, func(), error) {
	var d balancerDoors
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
		l, err := open(row.flag, *row.addr)
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
func (d balancerDoors) viewerParts(b *lb.LB, h http.Handler, quick func(*front.Loop) front.Quick) []run.Part {
	parts := []run.Part{door{name: "listen", ln: d.viewers, server: b.Front(h, quick)}.part()}
	if d.secure != nil {
		parts = append(parts, door{name: "tls-listen", ln: d.secure, server: secured{b.Server(h), b.TLSConfig()}}.part())
	}
	return parts
}
