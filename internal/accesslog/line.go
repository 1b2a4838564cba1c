package accesslog

import (
	"bytes"
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"tandem/internal/wire"
)

// mostOfField is how much is written of what a viewer sent, in bytes.
const mostOfField = 1024

// request is what a line says of what was asked.
type request struct {
	client, port, method, host, path, query, proto, token string
	referer, agent, rangeOf, cmcd, requestID              string
	tls                                                   *tls.ConnectionState
}

func (l *Log) ask(r *http.Request, target, client string) request {
	a := request{
		client: client, method: r.Method, host: r.Host, proto: r.Proto, referer: r.Referer(), agent: r.UserAgent(),
		rangeOf: r.Header.Get("Range"), requestID: r.Header.Get("X-Request-Id"), tls: r.TLS,
	}
	if _, port, err := net.SplitHostPort(r.RemoteAddr); err == nil && !l.deps.Behind {
		a.port = port
	}
	path := target
	if token, rest, ok := wire.SplitPath(target); ok {
		a.token, path = token, rest
	}
	a.path, a.query, _ = strings.Cut(path, "?")
	for _, name := range []string{"CMCD-Request", "CMCD-Object", "CMCD-Status", "CMCD-Session"} {
		if v := r.Header.Get(name); v != "" {
			a.cmcd = strings.TrimPrefix(a.cmcd+","+v, ",")
		}
	}
	if values, err := url.ParseQuery(a.query); err == nil && a.cmcd == "" {
		a.cmcd = values.Get("CMCD")
	}
	return a
}

// line is the text of one request. Times are milliseconds.
func (l *Log) line(r request, a *answer, ended string, took time.Duration) []byte {
	var b bytes.Buffer
	log := zerolog.New(&b)
	e := log.Log().Str("time", a.began.UTC().Format("2006-01-02T15:04:05.000Z07:00")).Str("node", l.deps.Node)
	text := func(name, value string) {
		if value != "" {
			e = e.Str(name, cut(value))
		}
	}
	text("client", r.client)
	text("port", r.port)
	text("method", r.method)
	text("host", r.host)
	text("path", r.path)
	text("query", r.query)
	text("proto", r.proto)
	status := a.status
	if status == 0 && ended == "whole" {
		status = http.StatusOK // an answer without a body
	}
	e = e.Int("status", status).Int64("bytes", a.sent).
		Float64("ttfb_ms", ms(a.first)).Float64("time_ms", ms(took)).Str("finish", ended)
	h := a.Header()
	text("cache", outcome(h.Get("Cache-Status")))
	text("range", r.rangeOf)
	text("content_range", h.Get("Content-Range"))
	text("content_type", h.Get("Content-Type"))
	text("content_length", h.Get("Content-Length"))
	text("referer", r.referer)
	text("user_agent", r.agent)
	text("request_id", r.requestID)
	text("cmcd", r.cmcd)
	if r.tls != nil {
		text("tls_version", tls.VersionName(r.tls.Version))
		text("tls_cipher", tls.CipherSuiteName(r.tls.CipherSuite))
		text("sni", r.tls.ServerName)
	}
	if r.token != "" {
		text("session", l.deps.Session(r.token))
	}
	text("served_by", timing(h, "edge"))
	text("takeover", timing(h, "takeover"))
	text("reason", h.Get(wire.HeaderReason))
	e.Send()
	return b.Bytes()
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func cut(s string) string {
	if len(s) <= mostOfField {
		return s
	}
	return strings.ToValidUTF8(s[:mostOfField], "") + "..."
}

// outcome is what the nearest cache says of itself (RFC 9211): hit, or why it asked on.
func outcome(status string) string {
	if i := strings.LastIndexByte(status, ','); i >= 0 {
		status = status[i+1:]
	}
	for part := range strings.SplitSeq(status, ";") {
		switch key, value, _ := strings.Cut(strings.TrimSpace(part), "="); {
		case key == "hit":
			return "hit"
		case key == "fwd":
			return value
		}
	}
	return ""
}

// timing is the description of a metric in Server-Timing.
func timing(h http.Header, name string) string {
	for _, field := range h["Server-Timing"] {
		for part := range strings.SplitSeq(field, ",") {
			if rest, ok := strings.CutPrefix(strings.TrimSpace(part), name+";desc="); ok {
				return strings.Trim(rest, `"`)
			}
		}
	}
	return ""
}
