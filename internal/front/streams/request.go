package streams

import (
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/http2"

	"tandem/internal/front/h2"
)

// connections are fields that no request of HTTP/2 has (RFC 9113 section 8.2.2), by their
// canonical names.
var connections = []string{"Connection", "Proxy-Connection", "Keep-Alive", "Transfer-Encoding", "Upgrade"}

// request makes the request of a head, and says how long its body is to be; -1: not said.
// What is malformed is an http2.StreamError.
func (c *conn) request(f *http2.MetaHeadersFrame) (r *http.Request, length int64, err error) {
	malformed := http2.StreamError{StreamID: f.StreamID, Code: http2.ErrCodeProtocol}
	method, path, authority := f.PseudoValue("method"), f.PseudoValue("path"), f.PseudoValue("authority")
	connect := method == http.MethodConnect
	switch {
	case f.Truncated: // what there is of it says nothing
		return &http.Request{Method: http.MethodGet, URL: &url.URL{}, Proto: "HTTP/2.0", ProtoMajor: 2, Header: http.Header{}, RemoteAddr: c.remote, Body: http.NoBody}, -1, nil
	case method == "", f.PseudoValue("protocol") != "":
		return nil, 0, malformed
	case connect && (path != "" || f.PseudoValue("scheme") != "" || authority == ""):
		return nil, 0, malformed
	case !connect && (path == "" || f.PseudoValue("scheme") == ""):
		return nil, 0, malformed
	}
	header := headerOf(f)
	for _, name := range connections {
		if header[name] != nil {
			return nil, 0, malformed
		}
	}
	for _, v := range header["Te"] {
		if v != "trailers" {
			return nil, 0, malformed
		}
	}
	if authority == "" {
		authority = header.Get("Host")
	}
	r = &http.Request{
		Method: method, Proto: "HTTP/2.0", ProtoMajor: 2, Header: header, Host: authority, RequestURI: path,
		RemoteAddr: c.remote, TLS: c.tls, Body: http.NoBody,
	}
	length = -1
	if f.StreamEnded() {
		length = 0
	} else if lengths := header["Content-Length"]; len(lengths) == 1 {
		if n, err := strconv.ParseUint(lengths[0], 10, 63); err == nil {
			length = int64(n)
		}
	}
	r.ContentLength = length
	switch {
	case connect:
		r.URL, r.RequestURI = &url.URL{Host: authority}, authority
	default:
		if r.URL, err = url.ParseRequestURI(path); err != nil {
			r.URL = nil
		}
	}
	c.meter.Request(r)
	return r, length, nil
}

// headerOf gives a head's fields the names that Go has for them. Values are parts of one
// array.
func headerOf(f *http2.MetaHeadersFrame) http.Header {
	fields := f.RegularFields()
	header, values := make(http.Header, len(fields)), make([]string, 0, len(fields))
	for _, field := range fields {
		key := textproto.CanonicalMIMEHeaderKey(field.Name)
		if have := header[key]; have != nil {
			header[key] = append(have, field.Value)
			continue
		}
		values = append(values, field.Value)
		header[key] = values[len(values)-1 : len(values) : len(values)]
	}
	if crumbs := header["Cookie"]; len(crumbs) > 1 { // RFC 9113 section 8.2.3
		header["Cookie"] = []string{strings.Join(crumbs, "; ")}
	}
	return header
}

// misfit is a request that is answered without asking anybody.
func (c *conn) misfit(r *http.Request, truncated bool) (status int, why string) {
	switch {
	case truncated:
		return http.StatusRequestHeaderFieldsTooLarge, "the header fields are too large"
	case c.cfg.Limits.Line > 0 && len(r.Method)+len(r.RequestURI)+len("  HTTP/1.1") > c.cfg.Limits.Line:
		return http.StatusRequestURITooLong, "the request target is too long"
	}
	if status, why = h2.Misfit(r, c.cfg.Limits); status == 0 && r.URL == nil {
		return http.StatusBadRequest, "the target is no URL"
	}
	return status, why
}
