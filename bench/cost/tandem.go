package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"tandem/internal/identity"
)

// ours are an edge that answers from its store, and a balancer that carries a
// session's bytes from an edge, with the takeover armed.
func ours(upstream int) []contender {
	b, named := &behindBalancer{upstream: upstream, dir: "plain"}, &behindBalancer{upstream: upstream, dir: "named", named: true}
	budgets := &behindBalancer{upstream: upstream, dir: "budgets", budgets: true}
	sealed := &behindBalancer{upstream: upstream, dir: "sealed", named: true, media: "plain"}
	return []contender{
		{label: "tandem edge", kind: "hit", start: edgeAlone(upstream, "edge-alone")},
		{label: "budgets: tandem edge", kind: "budgets", start: edgeAlone(upstream, "edge-budgets")},
		{label: "tandem balancer", kind: "proxy", start: b.start, path: b.path},
		{label: "budgets: tandem balancer", kind: "budgets", start: budgets.start, path: budgets.path},
		{label: "budgets with TLS: tandem balancer", kind: "budgets", tls: true, start: budgets.startTLS, path: budgets.path},
		{label: "TLS: tandem balancer", kind: "TLS", tls: true, start: b.startTLS, path: b.path},
		{label: "nodes plain: balancer", kind: "nodes", start: b.balancer, path: b.path},
		{label: "nodes plain: edges", kind: "nodes", start: b.ofEdges, path: b.path},
		{label: "nodes with certificates: balancer", kind: "nodes", start: named.balancer, path: named.path},
		{label: "nodes with certificates: edges", kind: "nodes", start: named.ofEdges, path: named.path},
		{label: "nodes with certificates, media plain: balancer", kind: "nodes", start: sealed.balancer, path: sealed.path},
		{label: "nodes with certificates, media plain: edges", kind: "nodes", start: sealed.ofEdges, path: sealed.path},
	}
}

// edgeAlone is an edge without a cluster: a caching proxy for the objects.
func edgeAlone(upstream int, name string) func(context.Context, *stage) (*exec.Cmd, string, error) {
	return func(_ context.Context, s *stage) (*exec.Cmd, string, error) {
		addr := fmt.Sprintf("127.0.0.1:%d", s.port())
		cmd, err := s.host.Start("tandem-"+name, s.bin, "edge", "--listen", addr, "--origin", fmt.Sprintf("http://127.0.0.1:%d", upstream),
			"--data", filepath.Join(s.dir, name))
		return cmd, addr, err
	}
}

// behindBalancer is a balancer with a ring of two edges and one session.
type behindBalancer struct {
	upstream int
	dir      string    // below the stage's
	media    string    // node-media, where it is not the default
	budgets  bool      // clients have those of the defaults, and edges room for many sessions
	named    bool      // nodes have certificates: what they say to each other is TLS
	session  string    // "/s/<token>"
	process  *exec.Cmd // nil: not started yet
	edges    *exec.Cmd // both
	plain    string    // address of the balancer
	secure   string    // address with TLS
}

// balancer is its part of the work, ofEdges the edges'; the same cluster is asked.
func (b *behindBalancer) balancer(ctx context.Context, s *stage) (*exec.Cmd, string, error) {
	if b.process == nil {
		if _, _, err := b.start(ctx, s); err != nil {
			return nil, "", err
		}
	}
	return b.process, b.plain, nil
}

func (b *behindBalancer) ofEdges(ctx context.Context, s *stage) (*exec.Cmd, string, error) {
	_, _, err := b.balancer(ctx, s)
	return b.edges, b.plain, err
}

// certify gives the nodes certificates, and returns what tells them so.
func (b *behindBalancer) certify(dir string) ([]string, error) {
	if !b.named {
		return nil, nil
	}
	ca, err := identity.NewAuthority("", time.Now())
	if err != nil {
		return nil, err
	}
	for name, role := range map[string]identity.Role{"lb-1": identity.Balancer, "edge-1": identity.Edge, "edge-2": identity.Edge} {
		at := filepath.Join(dir, "identity", name)
		if role == identity.Balancer {
			err = identity.SaveAuthority(at, ca)
		}
		if err == nil {
			err = identity.Enrol(at, ca, identity.Grant{Role: role, Node: name, Addresses: []string{"127.0.0.1"}}, time.Now())
		}
		if err != nil {
			return nil, err
		}
	}
	flags := []string{"--identity", filepath.Join(dir, "identity")}
	if b.media != "" {
		flags = append(flags, "--node-media", b.media)
	}
	return flags, nil
}

// startTLS gives the same balancer, by its other listener.
func (b *behindBalancer) startTLS(ctx context.Context, s *stage) (*exec.Cmd, string, error) {
	if b.process == nil {
		if _, _, err := b.start(ctx, s); err != nil {
			return nil, "", err
		}
	}
	return b.process, b.secure, nil
}

func (b *behindBalancer) path(size int) string { return b.session + objectPath(size) }

func (b *behindBalancer) start(ctx context.Context, s *stage) (*exec.Cmd, string, error) {
	dir := filepath.Join(s.dir, b.dir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, "", err
	}
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte("a secret for one bench and no longer"), 0o600); err != nil {
		return nil, "", err
	}
	id, err := b.certify(dir)
	if err != nil {
		return nil, "", err
	}
	b.secure = fmt.Sprintf("127.0.0.1:%d", s.port())
	addr, raft := fmt.Sprintf("127.0.0.1:%d", s.port()), fmt.Sprintf("127.0.0.1:%d", s.port())
	each, capacity := "20000", "100"
	if b.budgets {
		each, capacity = "1000", "10000"
	}
	lb, err := s.host.Start("tandem-lb-"+b.dir, append([]string{
		s.bin, "lb", "--name", "lb-1", "--listen", addr, "--admin-listen", fmt.Sprintf("127.0.0.1:%d", s.port()),
		"--raft-listen", raft, "--peers", "lb-1=" + raft + "=http://" + addr, "--data", filepath.Join(dir, "lb"), "--secret-file", secret,
		"--max-connections-per-client", each, "--tls-listen", b.secure, "--tls-cert", filepath.Join(s.dir, "cert.pem"), "--tls-key", filepath.Join(s.dir, "key.pem"),
	}, id...)...)
	if err != nil {
		return nil, "", err
	}
	b.process, b.plain = lb, addr
	both := "" // one process tree
	for i := range 2 {
		name := fmt.Sprintf("edge-%d", i+1)
		both += strings.Join(append([]string{
			s.bin, "edge", "--name", name, "--listen", fmt.Sprintf("127.0.0.1:%d", s.port()),
			"--origin", fmt.Sprintf("http://127.0.0.1:%d", b.upstream), "--data", filepath.Join(dir, name), "--balancers", "http://" + addr,
			"--secret-file", secret, "--session-idle", "1h", "--capacity", capacity,
		}, id...), " ") + " & "
	}
	if b.edges, err = s.host.Start("tandem-edges-"+b.dir, "sh", "-c", both+"wait"); err != nil {
		return nil, "", err
	}
	for range 100 {
		out, err := s.host.Command(ctx, "curl", "-s", "-o", "/dev/null", "-w", "%{redirect_url}", "http://"+addr+"/bench/index.m3u8").Output()
		if u, parseErr := url.Parse(string(out)); err == nil && parseErr == nil && strings.HasPrefix(u.Path, "/s/") {
			b.session = strings.TrimSuffix(u.Path, "/bench/index.m3u8")
			return lb, addr, nil
		}
		select {
		case <-ctx.Done():
			return nil, "", ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	return nil, "", errors.New("the balancer opened no session within 10 s")
}
