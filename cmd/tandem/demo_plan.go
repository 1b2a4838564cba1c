package main

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"tandem/internal/cluster"
)

// dashboardAddr is the first balancer's admin address when it is free.
const dashboardAddr = "127.0.0.1:9080"

// plan decides every address and command line before anything is started.
func (d *demo) plan() (*cluster.File, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	secret, err := d.secret()
	if err != nil {
		return nil, err
	}
	viewers, dashboard, err := d.front()
	if err != nil {
		return nil, err
	}
	ports, err := cluster.Ports(2 + 3*d.balancers + 2*d.edges)
	if err != nil {
		return nil, err
	}
	next := func() string {
		port := ports[0]
		ports = ports[1:]
		return "127.0.0.1:" + strconv.Itoa(port)
	}
	f := &cluster.File{Dir: d.dir, Secret: secret}
	add := func(role, name, listen, admin string, args ...string) {
		f.Nodes = append(f.Nodes, cluster.Node{
			Name: name, Role: role, HTTP: "http://" + listen, Admin: "http://" + admin, Dir: filepath.Join(d.dir, name),
			Args: append([]string{self, role, "--listen", listen, "--admin-listen", admin, "--secret-file", secret}, args...),
		})
	}
	origin := next()
	add(cluster.RoleOrigin, "origin-1", origin, next(), append(d.originArgs(), d.originFlags...)...)

	names := make([]string, d.balancers)
	https, rafts, peers := make([]string, d.balancers), make([]string, d.balancers), make([]string, d.balancers)
	for i := range names {
		names[i], https[i], rafts[i] = fmt.Sprintf("lb-%d", i+1), next(), next()
		if i == 0 {
			https[0] = viewers
		}
		peers[i] = names[i] + "=" + rafts[i] + "=http://" + https[i]
		f.Viewers = append(f.Viewers, "http://"+https[i])
	}
	for i, name := range names {
		admin := next()
		if i == 0 && dashboard != "" {
			admin = dashboard
		}
		args := []string{
			"--name", name, "--raft-listen", rafts[i], "--peers", strings.Join(peers, ","), "--data", filepath.Join(d.dir, name, "data"),
			"--admission", d.admission, "--state-source", d.stateSource,
		}
		add(cluster.RoleLB, name, https[i], admin, append(args, d.lbFlags...)...)
	}
	f.Dashboard = f.Node("lb-1").Admin + "/"
	for i := range d.edges {
		name := fmt.Sprintf("edge-%d", i+1)
		args := []string{
			"--name", name, "--origin", "http://" + origin, "--balancers", strings.Join(f.Viewers, ","), "--data", filepath.Join(d.dir, name, "data"),
			"--capacity", strconv.Itoa(d.capacity), "--duplication", d.duplication,
		}
		if d.duplication == "multicast" {
			args = append(args, "--multicast-group", "239.255.77.1:"+strconv.Itoa(5000+os.Getpid()%1000))
		}
		add(cluster.RoleEdge, name, next(), next(), append(args, d.edgeFlags...)...)
	}
	return f, nil
}

// originArgs: the sample, its live loop and a place for live ingest; or only
// what the user's directory holds, into which nothing is written.
func (d *demo) originArgs() []string {
	if d.media != "" {
		return []string{"--media", d.media}
	}
	return []string{"--sample", "--loop", "live=/sample/", "--ingest", "--media", filepath.Join(d.dir, "ingest")}
}

// secret makes the cluster's secret, or takes that of an earlier demo in the
// same directory, so that its nodes' state can be used again.
func (d *demo) secret() (path string, err error) {
	if err := os.MkdirAll(filepath.Join(d.dir, "ingest"), 0o755); err != nil {
		return "", fmt.Errorf("--dir: %w", err)
	}
	path = filepath.Join(d.dir, "secret")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails
	if err := os.WriteFile(path, []byte(hex.EncodeToString(raw)+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("--dir: %w", err)
	}
	return path, nil
}

// front finds the first balancer's two addresses. With the default --listen the
// dashboard has an address that can be remembered, if nobody else is there.
func (d *demo) front() (viewers, dashboard string, err error) {
	l, err := open("--listen", d.listen)
	if err != nil {
		return "", "", err
	}
	viewers = l.Addr().String()
	l.Close()
	if strings.HasSuffix(d.listen, ":0") {
		host, _, _ := net.SplitHostPort(viewers)
		ports, err := cluster.Ports(1)
		if err != nil {
			return "", "", err
		}
		return net.JoinHostPort(host, strconv.Itoa(ports[0])), "", nil
	}
	if d.listen != demoViewers {
		return viewers, "", nil
	}
	if l, err := open("--admin-listen", dashboardAddr); err == nil {
		l.Close()
		dashboard = dashboardAddr
	}
	return viewers, dashboard, nil
}
