package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"text/template"

	"tandem/bench/lab"
)

// contender is one system under trial, set up in a lab.
type contender interface {
	name() string
	// setUp starts origin, caches and balancer and returns the entry URL.
	setUp(ctx context.Context, l *lab.Lab, m *media) (string, error)
	// victim is the host of the cache that will fail, and its name in answers.
	victim(l *lab.Lab) (*lab.Host, string)
	// health is the path at which a balancer says that it is well.
	health() string
	// front ends the balancer "lb" by SIGKILL, or restarts it by what its maker offers
	// for that.
	front(l *lab.Lab, fault string) error
	// originAsked counts the requests for segments that the origin has had.
	originAsked(ctx context.Context, l *lab.Lab) (int, error)
}

var hostNames = []string{"origin", "cache-1", "cache-2", "lb", "viewers", "lb-2", "lb-3"}

// peer is a balancer of another make in front of two nginx caches and an nginx
// origin; only the balancer's own configuration differs.
type peer struct {
	label   string
	lb      string   // template of the balancer's configuration
	run     []string // its command; %s is the configuration file
	restart func(h *lab.Host, p *peer) error

	main *exec.Cmd // of the first balancer
	file string    // its configuration
}

const nginxHead = `daemon off; worker_processes 2; pid {{.Dir}}/{{.Host}}.pid; error_log {{.Dir}}/{{.Host}}-error.log;
events { worker_connections 2048; }
http {
  sendfile on; tcp_nopush on; keepalive_requests 100000; keepalive_timeout 75s;
  client_body_temp_path {{.Dir}}/{{.Host}}-body; proxy_temp_path {{.Dir}}/{{.Host}}-tmp;
  fastcgi_temp_path {{.Dir}}/{{.Host}}-f; uwsgi_temp_path {{.Dir}}/{{.Host}}-u; scgi_temp_path {{.Dir}}/{{.Host}}-s;
`

const nginxOrigin = nginxHead + `
  access_log {{.Dir}}/origin-access.log;
  server { listen 8000; root {{.Media}}; }
}`

const nginxCache = nginxHead + `
  access_log off;
  proxy_cache_path {{.Dir}}/{{.Host}}-cache levels=1:2 keys_zone=c:10m max_size=4g inactive=1h;
  server { listen 8000; location / {
    proxy_pass http://{{.Origin}}:8000; proxy_http_version 1.1; proxy_set_header Connection "";
    proxy_cache c; proxy_cache_valid 200 1h; proxy_cache_lock on; proxy_cache_key $uri;
    add_header X-Cache-Node {{.Host}} always;
  } }
}`

const nginxBalancer = nginxHead + `
  access_log off;
  upstream caches { hash $uri consistent; server {{.Cache1}}:8000 max_fails=1 fail_timeout=10s; server {{.Cache2}}:8000 max_fails=1 fail_timeout=10s; keepalive 64; }
  server { listen 8080; location / {
    proxy_pass http://caches; proxy_http_version 1.1; proxy_set_header Connection "";
    proxy_connect_timeout 1s; proxy_read_timeout {{.ReadTimeout}}; {{.Buffering}}
    proxy_next_upstream error timeout invalid_header http_500 http_502 http_503 http_504; proxy_next_upstream_tries 3;
  } }
}`

const haproxyBalancer = `global
  maxconn 4096
  nbthread 2
defaults
  mode http
  timeout connect 1s
  timeout client 60s
  timeout server 5s
  retries 3
  option redispatch 1
  retry-on all-retryable-errors
frontend f
  bind :8080
  default_backend b
backend b
  balance uri
  hash-type consistent
  option httpchk GET /trial/index.m3u8
  default-server check inter 1s fall 3 rise 2 observe layer7 on-error mark-down
  server cache-1 {{.Cache1}}:8000
  server cache-2 {{.Cache2}}:8000
`

const caddyBalancer = `{
  auto_https off
}
:8080 {
  reverse_proxy {{.Cache1}}:8000 {{.Cache2}}:8000 {
    lb_policy uri_hash
    lb_try_duration 5s
    fail_duration 10s
    transport http {
      dial_timeout 1s
      response_header_timeout 5s
    }
  }
}
`

// peers are the others, as an engineer who knows them would set them up.
func peers() []contender {
	nginx := []string{"nginx", "-c", "%s"}
	return []contender{
		&peer{label: "nginx", restart: signals(syscall.SIGHUP), lb: strings.NewReplacer("{{.Buffering}}", "proxy_max_temp_file_size 0;", "{{.ReadTimeout}}", "5s").Replace(nginxBalancer), run: nginx},
		&peer{label: "nginx, buffering", restart: signals(syscall.SIGHUP), lb: strings.NewReplacer("{{.Buffering}}", "proxy_max_temp_file_size 1024m;", "{{.ReadTimeout}}", "5s").Replace(nginxBalancer), run: nginx},
		&peer{label: "HAProxy", restart: signals(syscall.SIGUSR2), lb: haproxyBalancer, run: []string{"haproxy", "-W", "-db", "-f", "%s"}},
		&peer{label: "Caddy", restart: orders("caddy", "reload", "--force", "--adapter", "caddyfile", "--config", "%s"), lb: caddyBalancer, run: []string{"caddy", "run", "--adapter", "caddyfile", "--config", "%s"}},
	}
}

// signals restarts a balancer by a signal to its main process.
func signals(sig syscall.Signal) func(*lab.Host, *peer) error {
	return func(_ *lab.Host, p *peer) error { return p.main.Process.Signal(sig) }
}

// orders restarts a balancer by a command on its host.
func orders(args ...string) func(*lab.Host, *peer) error {
	return func(h *lab.Host, p *peer) error {
		var all []string
		for _, arg := range args {
			all = append(all, strings.ReplaceAll(arg, "%s", p.file))
		}
		if out, err := h.Command(context.Background(), all...).CombinedOutput(); err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	}
}

func (p *peer) health() string { return entryPath }

func (p *peer) front(l *lab.Lab, fault string) error {
	if fault == frontRestarted {
		return p.restart(l.Hosts["lb"], p)
	}
	return syscall.Kill(-p.main.Process.Pid, ofProcess(fault))
}

func (p *peer) name() string { return p.label }

func (p *peer) victim(l *lab.Lab) (*lab.Host, string) { return l.Hosts["cache-1"], "cache-1" }

func (p *peer) setUp(ctx context.Context, l *lab.Lab, m *media) (string, error) {
	values := map[string]string{
		"Dir": l.Dir, "Media": m.root, "Origin": l.Hosts["origin"].IP,
		"Cache1": l.Hosts["cache-1"].IP, "Cache2": l.Hosts["cache-2"].IP,
	}
	for _, part := range []struct{ host, text string }{
		{"origin", nginxOrigin}, {"cache-1", nginxCache}, {"cache-2", nginxCache}, {"lb", p.lb}, {"lb-2", p.lb},
	} {
		values["Host"] = part.host
		file, err := configure(filepath.Join(l.Dir, part.host+".conf"), part.text, values)
		if err != nil {
			return "", err
		}
		run := []string{"nginx", "-c", file}
		if strings.HasPrefix(part.host, "lb") {
			run = nil
			for _, arg := range p.run {
				run = append(run, strings.ReplaceAll(arg, "%s", file))
			}
		}
		cmd, err := l.Hosts[part.host].Start("server", run...)
		if err != nil {
			return "", err
		}
		if part.host == "lb" {
			p.main, p.file = cmd, file
		}
	}
	base := "http://" + l.Hosts["lb"].IP + ":8080"
	return base + entryPath, l.Hosts["viewers"].Await(ctx, base+entryPath)
}

func (p *peer) originAsked(_ context.Context, l *lab.Lab) (int, error) {
	text, err := os.ReadFile(filepath.Join(l.Dir, "origin-access.log"))
	if err != nil {
		return 0, err
	}
	return strings.Count(string(text), ".ts HTTP/"), nil
}

func configure(file, text string, values map[string]string) (string, error) {
	t, err := template.New(file).Option("missingkey=error").Parse(text)
	if err != nil {
		return "", err
	}
	f, err := os.Create(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	if err := t.Execute(f, values); err != nil {
		return "", fmt.Errorf("%s: %w", file, err)
	}
	return file, nil
}
