package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/template"

	"tandem/bench/lab"
)

// contender is a server whose cost is measured.
type contender struct {
	label string
	kind  string // hit: answers from its own copy; proxy: carries from another server
	start func(ctx context.Context, s *stage) (server *exec.Cmd, addr string, err error)
	path  func(size int) string // what the client asks for; nil: objectPath
	tls   bool
}

// stage is the one host that everything runs on, and the objects.
type stage struct {
	host  *lab.Host
	dir   string
	bin   string
	sizes []int
	next  int // last port given out
}

func (s *stage) port() int { s.next++; return s.next }

func objectPath(size int) string { return fmt.Sprintf("/bench/object-%d.ts", size) }

// newStage writes the objects; the playlist makes them a stream for tandem.
func newStage(h *lab.Host, dir, bin string, sizes []int) (*stage, error) {
	s := &stage{host: h, dir: dir, bin: bin, sizes: sizes, next: 20000}
	if err := os.MkdirAll(filepath.Join(dir, "media", "bench"), 0o755); err != nil {
		return nil, err
	}
	list := "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:0\n"
	for _, size := range sizes {
		file := filepath.Join(dir, "media", objectPath(size))
		if err := os.WriteFile(file, []byte(strings.Repeat("tandem..", size/8)), 0o644); err != nil {
			return nil, err
		}
		list += "#EXTINF:4,\n" + filepath.Base(file) + "\n"
	}
	if err := os.WriteFile(filepath.Join(dir, "media", "bench", "index.m3u8"), []byte(list+"#EXT-X-ENDLIST\n"), 0o644); err != nil {
		return nil, err
	}
	return s, writeCertificate(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), filepath.Join(dir, "both.pem"))
}

const nginxHead = `daemon off; worker_processes 2; pid {{.Dir}}/{{.Name}}.pid; error_log {{.Dir}}/{{.Name}}-error.log;
events { worker_connections 16384; }
http {
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000; open_file_cache max=1000 inactive=1h;
  client_body_temp_path {{.Dir}}/{{.Name}}-body; proxy_temp_path {{.Dir}}/{{.Name}}-tmp;
  fastcgi_temp_path {{.Dir}}/{{.Name}}-f; uwsgi_temp_path {{.Dir}}/{{.Name}}-u; scgi_temp_path {{.Dir}}/{{.Name}}-s;
`

const nginxStatic = nginxHead + `
  server { listen 127.0.0.1:{{.Port}}; root {{.Media}}; }
}`

const nginxCache = nginxHead + `
  proxy_cache_path {{.Dir}}/{{.Name}}-cache levels=1:2 keys_zone=c:10m max_size=1g inactive=1h;
  server { listen 127.0.0.1:{{.Port}}; location / { proxy_pass http://127.0.0.1:{{.Upstream}}; proxy_cache c; proxy_cache_valid 200 1h; } }
}`

const nginxProxy = nginxHead + `
  upstream u { server 127.0.0.1:{{.Upstream}}; keepalive 128; }
  server { listen 127.0.0.1:{{.Port}}; location / { proxy_pass http://u; proxy_http_version 1.1; proxy_set_header Connection ""; } }
}`

const nginxTLS = nginxHead + `
  ssl_certificate {{.Dir}}/cert.pem; ssl_certificate_key {{.Dir}}/key.pem; ssl_protocols TLSv1.3;
  upstream u { server 127.0.0.1:{{.Upstream}}; keepalive 128; }
  server { listen 127.0.0.1:{{.Port}} ssl http2; location / { proxy_pass http://u; proxy_http_version 1.1; proxy_set_header Connection ""; } }
}`

const haproxyConf = `global
  maxconn 4096
  nbthread 2
defaults
  mode http
  timeout connect 1s
  timeout client 60s
  timeout server 60s
  {{.Splice}}
frontend f
  bind 127.0.0.1:{{.Port}} {{.TLS}}
  default_backend b
backend b
  server u 127.0.0.1:{{.Upstream}}
`

// peers are the others. upstream is the port of an nginx that has the objects.
func peers(upstream int) []contender {
	nginx := []string{"nginx", "-c", "%s"}
	haproxy := []string{"haproxy", "-db", "-f", "%s"}
	return []contender{
		{label: "nginx static", kind: "hit", start: configured("nginx-static", nginxStatic, nginx, upstream)},
		{label: "nginx proxy_cache", kind: "hit", start: configured("nginx-cache", nginxCache, nginx, upstream)},
		{label: "Varnish", kind: "hit", start: varnish(upstream)},
		{label: "HAProxy", kind: "proxy", start: configured("haproxy", haproxyConf, haproxy, upstream)},
		{label: "HAProxy, splice-response", kind: "proxy", start: configured("haproxy-splice", strings.Replace(haproxyConf, "{{.Splice}}", "option splice-response", 1), haproxy, upstream)},
		{label: "nginx proxy", kind: "proxy", start: configured("nginx-proxy", nginxProxy, nginx, upstream)},
		{label: "TLS: HAProxy", kind: "TLS", tls: true, start: configured("haproxy-tls", strings.Replace(haproxyConf, "{{.TLS}}", "ssl crt {{.Dir}}/both.pem ssl-min-ver TLSv1.3 alpn h2,http/1.1", 1), haproxy, upstream)},
		{label: "TLS: nginx proxy", kind: "TLS", tls: true, start: configured("nginx-tls", nginxTLS, nginx, upstream)},
	}
}

// configured starts a server from a configuration file.
func configured(name, text string, run []string, upstream int) func(context.Context, *stage) (*exec.Cmd, string, error) {
	return func(_ context.Context, s *stage) (*exec.Cmd, string, error) {
		port := s.port()
		file := filepath.Join(s.dir, name+".conf")
		conf, err := render(text, map[string]any{
			"Dir": s.dir, "Name": name, "Media": filepath.Join(s.dir, "media"), "Port": port, "Upstream": upstream, "Splice": "", "TLS": "",
		})
		if err != nil {
			return nil, "", err
		}
		if err := os.WriteFile(file, conf, 0o644); err != nil {
			return nil, "", err
		}
		var args []string
		for _, arg := range run {
			args = append(args, strings.ReplaceAll(arg, "%s", file))
		}
		cmd, err := s.host.Start(name, args...)
		return cmd, fmt.Sprintf("127.0.0.1:%d", port), err
	}
}

func varnish(upstream int) func(context.Context, *stage) (*exec.Cmd, string, error) {
	return func(_ context.Context, s *stage) (*exec.Cmd, string, error) {
		addr := fmt.Sprintf("127.0.0.1:%d", s.port())
		work := filepath.Join(s.dir, "varnish")
		if err := os.MkdirAll(work, 0o777); err != nil {
			return nil, "", err
		}
		cmd, err := s.host.Start("varnish", "varnishd", "-F", "-j", "none", "-n", work, "-a", addr, "-b", fmt.Sprintf("127.0.0.1:%d", upstream), "-s", "malloc,512m", "-t", "3600")
		return cmd, addr, err
	}
}

func render(text string, values map[string]any) ([]byte, error) {
	t, err := template.New("conf").Option("missingkey=error").Parse(text)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	err = t.Execute(&b, values)
	return []byte(b.String()), err
}
