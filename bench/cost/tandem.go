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
)

// ours are an edge that answers from its store, and a balancer that carries a
// session's bytes from an edge, with the takeover armed.
func ours(upstream int) []contender {
	b := &behindBalancer{upstream: upstream}
	return []contender{
		{label: "tandem edge", kind: "hit", start: edgeAlone(upstream)},
		{label: "tandem balancer", kind: "proxy", start: b.start, path: b.path},
		{label: "TLS: tandem balancer", kind: "TLS", tls: true, start: b.startTLS, path: b.path},
	}
}

// edgeAlone is an edge without a cluster: a caching proxy for the objects.
func edgeAlone(upstream int) func(context.Context, *stage) (*exec.Cmd, string, error) {
	return func(_ context.Context, s *stage) (*exec.Cmd, string, error) {
		addr := fmt.Sprintf("127.0.0.1:%d", s.port())
		cmd, err := s.host.Start("tandem-edge", s.bin, "edge", "--listen", addr, "--origin", fmt.Sprintf("http://127.0.0.1:%d", upstream),
			"--data", filepath.Join(s.dir, "edge-alone"))
		return cmd, addr, err
	}
}

// behindBalancer is a balancer with a ring of two edges and one session.
type behindBalancer struct {
	upstream int
	session  string    // "/s/<token>"
	process  *exec.Cmd // nil: not started yet
	secure   string    // address with TLS
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
	secret := filepath.Join(s.dir, "secret")
	if err := os.WriteFile(secret, []byte("a secret for one bench and no longer"), 0o600); err != nil {
		return nil, "", err
	}
	b.secure = fmt.Sprintf("127.0.0.1:%d", s.port())
	addr, raft := fmt.Sprintf("127.0.0.1:%d", s.port()), fmt.Sprintf("127.0.0.1:%d", s.port())
	lb, err := s.host.Start("tandem-lb", s.bin, "lb", "--name", "lb-1", "--listen", addr, "--admin-listen", fmt.Sprintf("127.0.0.1:%d", s.port()),
		"--raft-listen", raft, "--peers", "lb-1="+raft+"=http://"+addr, "--data", filepath.Join(s.dir, "lb"), "--secret-file", secret,
		"--max-connections-per-client", "20000", "--tls-listen", b.secure, "--tls-cert", filepath.Join(s.dir, "cert.pem"), "--tls-key", filepath.Join(s.dir, "key.pem"))
	if err != nil {
		return nil, "", err
	}
	b.process = lb
	for i := range 2 {
		name := fmt.Sprintf("edge-%d", i+1)
		if _, err := s.host.Start("tandem-"+name, s.bin, "edge", "--name", name, "--listen", fmt.Sprintf("127.0.0.1:%d", s.port()),
			"--origin", fmt.Sprintf("http://127.0.0.1:%d", b.upstream), "--data", filepath.Join(s.dir, name), "--balancers", "http://"+addr,
			"--secret-file", secret, "--session-idle", "1h", "--capacity", "100"); err != nil {
			return nil, "", err
		}
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
