package demo

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"tandem/internal/cluster"
	"tandem/internal/serve"
)

// dashboardAddr is the first balancer's admin address when it is free.
const dashboardAddr = "127.0.0.1:9080"

// layout is a plan in the making.
type layout struct {
	*Config
	proxies *proxies // nil: none
	control string   // URL at which the page's orders are taken
	self    string   // the binary
	ports   []int    // free ones that are left
	file    *cluster.File
}

// plan decides every address and command line before anything is started.
func plan(c *Config, p *proxies, control string) (*cluster.File, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	secret, err := makeSecret(c.Dir)
	if err != nil {
		return nil, err
	}
	viewers, dashboard, err := front(c.Listen)
	if err != nil {
		return nil, err
	}
	ports, err := cluster.Ports(3 + 3*c.Balancers + 2*c.Edges)
	if err != nil {
		return nil, err
	}
	l := &layout{Config: c, proxies: p, control: control, self: self, ports: ports, file: &cluster.File{Dir: c.Dir, Secret: secret}}
	origin, err := l.addOrigin()
	if err != nil {
		return nil, err
	}
	l.addBalancers(viewers, dashboard)
	origin = l.nameOrigin(origin)
	if err := l.addEdges(origin); err != nil {
		return nil, err
	}
	if c.named() {
		return l.file, l.certify()
	}
	return l.file, nil
}

// addOrigin tells where edges get what they lack: from an origin of ours, or from
// the one that the user has, whose streams are not known.
func (l *layout) addOrigin() (url string, err error) {
	if l.Origin != "" {
		l.file.Origin, l.file.Streams = l.Origin, []cluster.Stream{}
		return l.Origin, nil
	}
	listen := l.next()
	url = "http://" + listen
	if l.Media == "" {
		points, err := makePoints(l.Dir)
		if err != nil {
			return "", err
		}
		l.file.Ingest = &cluster.Ingest{HTTP: url, Points: points}
	}
	l.add(cluster.RoleOrigin, "origin-1", listen, l.next(), append(l.originArgs(), l.OriginFlags...)...)
	return url, nil
}

// nameOrigin makes an origin of ours a node of the cluster, where nodes have names, and
// returns where edges ask it then.
func (l *layout) nameOrigin(url string) string {
	if l.Origin != "" || !l.named() {
		return url
	}
	listen, n := l.next(), l.file.Node("origin-1")
	n.Args = append(n.Args, "--name", n.Name, "--node-listen", listen, "--balancers", strings.Join(l.file.Viewers, ","))
	n.Args = append(n.Args, l.identityArgs()...)
	return "https://" + listen
}

// next takes a free port.
func (l *layout) next() string {
	port := l.ports[0]
	l.ports = l.ports[1:]
	return "127.0.0.1:" + strconv.Itoa(port)
}

func (l *layout) add(role, name, listen, admin string, args ...string) {
	scheme := "http://"
	if cert := valueOf(args, "admin-cert"); cert != "" {
		scheme, l.file.CA = "https://", cert
	}
	l.file.Nodes = append(l.file.Nodes, cluster.Node{
		Name: name, Role: role, HTTP: "http://" + listen, Admin: scheme + admin, Dir: filepath.Join(l.Dir, name),
		Args: append([]string{l.self, role, "--listen", listen, "--admin-listen", admin, "--secret-file", l.file.Secret}, args...),
	})
}

// identityArgs give a node its certificate.
func (l *layout) identityArgs() []string {
	if !l.named() {
		return nil
	}
	return []string{"--identity", identities(l.Dir)}
}

// flagged tells whether a flag is among them, and not the value of one.
func flagged(flags []string, name string) bool {
	return slices.ContainsFunc(flags, func(flag string) bool {
		has, _, _ := strings.Cut(strings.TrimLeft(flag, "-"), "=")
		return has == name && strings.HasPrefix(flag, "-")
	})
}

// valueOf is what a flag among them is given; "": it is not among them.
func valueOf(flags []string, name string) string {
	for i, flag := range flags {
		has, value, joined := strings.Cut(strings.TrimLeft(flag, "-"), "=")
		switch {
		case has != name || !strings.HasPrefix(flag, "-"):
		case joined:
			return value
		case i+1 < len(flags):
			return flags[i+1]
		}
	}
	return ""
}

// addBalancers: the first one is at the addresses that people are told.
func (l *layout) addBalancers(viewers, dashboard string) {
	https, rafts, peers := make([]string, l.Balancers), make([]string, l.Balancers), make([]string, l.Balancers)
	for i := range peers {
		https[i], rafts[i] = l.next(), l.next()
		if i == 0 {
			https[0] = viewers
		}
		peers[i] = fmt.Sprintf("lb-%d=%s=http://%s", i+1, rafts[i], https[i])
		l.file.Viewers = append(l.file.Viewers, "http://"+https[i])
	}
	for i := range peers {
		name, admin := fmt.Sprintf("lb-%d", i+1), l.next()
		if i == 0 && dashboard != "" {
			admin = dashboard
		}
		args := []string{
			"--name", name, "--raft-listen", rafts[i], "--peers", strings.Join(peers, ","), "--data", filepath.Join(l.Dir, name, "data"),
			"--admission", l.Admission, "--state-source", l.StateSource, "--demo-control", l.control,
		}
		if flagged(l.LBFlags, "steering") && !flagged(l.LBFlags, "steering-fronts") {
			args = append(args, "--steering-fronts", strings.Join(l.file.Viewers, ","))
		}
		l.add(cluster.RoleLB, name, https[i], admin, append(append(args, l.identityArgs()...), l.LBFlags...)...)
	}
	l.file.Dashboard = l.file.Node("lb-1").Admin + "/"
}

func (l *layout) addEdges(origin string) error {
	for i := range l.Edges {
		name, listen, orders := fmt.Sprintf("edge-%d", i+1), l.next(), ""
		args := []string{
			"--name", name, "--origin", origin, "--balancers", strings.Join(l.file.Viewers, ","), "--data", filepath.Join(l.Dir, name, "data"),
			"--capacity", strconv.Itoa(l.Capacity), "--duplication", l.Duplication,
		}
		if l.Duplication == "multicast" {
			args = append(args, "--multicast-group", "239.255.77.1:"+strconv.Itoa(5000+os.Getpid()%1000))
		}
		if l.proxies != nil {
			proxy, err := l.proxies.add(name, listen)
			if err != nil {
				return err
			}
			args, orders = append(args, "--advertise", "http://"+proxy), l.proxies.url(name)
		}
		if l.proxies == nil {
			args = append(args, "--public-url", "http://"+listen)
		}
		if strings.HasPrefix(origin, "https:") && l.Origin == "" && !flagged(l.EdgeFlags, "origin") { // another one is no node of this cluster
			args = append(args, "--origin-node")
		}
		args = append(args, l.identityArgs()...)
		_, port, _ := net.SplitHostPort(listen)
		own := strings.NewReplacer("{name}", name, "{port}", port)
		for _, flag := range l.EdgeFlags {
			args = append(args, own.Replace(flag))
		}
		l.add(cluster.RoleEdge, name, listen, l.next(), args...)
		l.file.Node(name).Fault = orders
	}
	return nil
}

// originArgs: the sample, its live loop and a place for live ingest; or only
// what the user's directory holds, into which nothing is written.
func (l *layout) originArgs() []string {
	if l.Media != "" {
		return []string{"--media", l.Media}
	}
	return []string{"--sample", "--loop", "live=/sample/", "--ingest", "--media", filepath.Join(l.Dir, "ingest"), "--publishing-points", l.file.Ingest.Points}
}

// makePoints writes the one publishing point of a demo, or takes that of an earlier
// one in the same directory. It is open: a demo listens on this machine alone.
func makePoints(dir string) (string, error) {
	path := filepath.Join(dir, "points.yaml")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if err := os.WriteFile(path, []byte("- path: /\n  open: true\n"), 0o600); err != nil {
		return "", fmt.Errorf("--dir: %w", err)
	}
	return path, nil
}

// makeSecret makes the cluster's secret, or takes that of an earlier demo in the
// same directory, so that its nodes' state can be used again.
func makeSecret(dir string) (path string, err error) {
	if err := os.MkdirAll(filepath.Join(dir, "ingest"), 0o700); err != nil {
		return "", fmt.Errorf("--dir: %w", err)
	}
	path = filepath.Join(dir, "secret")
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
func front(listen string) (viewers, dashboard string, err error) {
	l, err := serve.Listen("--listen", listen)
	if err != nil {
		return "", "", err
	}
	viewers = l.Addr().String()
	l.Close()
	if strings.HasSuffix(listen, ":0") {
		host, _, _ := net.SplitHostPort(viewers)
		ports, err := cluster.Ports(1)
		if err != nil {
			return "", "", err
		}
		return net.JoinHostPort(host, strconv.Itoa(ports[0])), "", nil
	}
	if listen != cluster.DefaultViewers {
		return viewers, "", nil
	}
	if l, err := serve.Listen("--admin-listen", dashboardAddr); err == nil {
		l.Close()
		dashboard = dashboardAddr
	}
	return viewers, dashboard, nil
}
