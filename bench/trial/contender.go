package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
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
	// originAsked counts the requests for segments that the origin has had.
	originAsked(ctx context.Context, l *lab.Lab) (int, error)
}

var hostNames = []string{"origin", "cache-1", "cache-2", "lb", "viewers"}

// peer is a balancer of another make in front of two nginx caches and an nginx
// origin; only the balancer's own configuration differs.
type peer struct {
	label string
	lb    string   // template of the balancer's configuration
	run   []string // its command; %s is the configuration file
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

// peers are the others, as an engineer who knows them would set them up.
func peers() []contender {
	nginx := []string{"nginx", "-c", "%s"}
	return []contender{
		&peer{label: "nginx", lb: strings.NewReplacer("{{.Buffering}}", "proxy_max_temp_file_size 0;", "{{.ReadTimeout}}", "5s").Replace(nginxBalancer), run: nginx},
		&peer{label: "nginx, buffering", lb: strings.NewReplacer("{{.Buffering}}", "proxy_max_temp_file_size 1024m;", "{{.ReadTimeout}}", "5s").Replace(nginxBalancer), run: nginx},
		&peer{label: "HAProxy", lb: haproxyBalancer, run: []string{"haproxy", "-db", "-f", "%s"}},
	}
}

func (p *peer) name() string { return p.label }

func (p *peer) victim(l *lab.Lab) (*lab.Host, string) { return l.Hosts["cache-1"], "cache-1" }

func (p *peer) setUp(ctx context.Context, l *lab.Lab, m *media) (string, error) {
	values := map[string]string{
		"Dir": l.Dir, "Media": m.root, "Origin": l.Hosts["origin"].IP,
		"Cache1": l.Hosts["cache-1"].IP, "Cache2": l.Hosts["cache-2"].IP,
	}
	for _, part := range []struct{ host, text string }{
		{"origin", nginxOrigin}, {"cache-1", nginxCache}, {"cache-2", nginxCache}, {"lb", p.lb},
	} {
		values["Host"] = part.host
		file, err := configure(filepath.Join(l.Dir, part.host+".conf"), part.text, values)
		if err != nil {
			return "", err
		}
		run := []string{"nginx", "-c", file}
		if part.host == "lb" {
			run = nil
			for _, arg := range p.run {
				run = append(run, strings.ReplaceAll(arg, "%s", file))
			}
		}
		if _, err := l.Hosts[part.host].Start("server", run...); err != nil {
			return "", err
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
