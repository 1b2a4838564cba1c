package upstream

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"tandem/internal/wire"
)

// maxRedirects bounds how often one request goes after a redirect.
const maxRedirects = 5

// redirected is an answer with its Location led back to where viewers ask, or, by
// the upstream's setting, what the Location leads to.
func (g *group) redirected(ctx context.Context, r *Request, a attempt) (*http.Response, error) {
	var been []string
	for n := 0; ; n++ {
		g.own(a.resp.Header, a.server, r.Target)
		to := location(a.resp, r.Target, a.server)
		if to == nil {
			return a.resp, nil
		}
		target, own := g.below(a.server.plainly(to))
		a.resp.Header.Set("Location", g.led(a.resp.Header.Get("Location"), to, target, own))
		same := upgraded(a.server, r.Target, to)
		if g.config.Redirects != wire.RedirectFollow && same == nil || !r.safe() || to.Scheme != "http" && to.Scheme != "https" || to.Hostname() == "" {
			return a.resp, nil
		}
		a.resp.Body.Close()
		been = append(been, a.server.name+r.Target)
		s := a.server
		if !own {
			var err error
			if s, err = g.elsewhere(to, same); err != nil {
				return nil, err
			}
			if target = to.RequestURI(); same != nil {
				target = r.Target
			}
		}
		from, next := a.server, *r
		if next.Target, _, _ = strings.Cut(target, "#"); slices.Contains(been, s.name+next.Target) {
			return nil, fmt.Errorf("%w from %s: its redirects lead back to %s", ErrAnswer, from.name, next.Target)
		}
		if n == maxRedirects {
			return nil, fmt.Errorf("%w from %s: more than %d redirects", ErrAnswer, from.name, maxRedirects)
		}
		if !own && same == nil {
			next.Header = unrecognised(next.Header)
		}
		r = &next
		if a = s.try(ctx, r, false); a.err != nil {
			a.cancel()
			if errors.Is(a.err, ErrLed) {
				from.counts[misled].Add(1)
				return nil, fmt.Errorf("%w from %s: %w", ErrAnswer, from.name, a.err)
			}
			return nil, a.err
		}
	}
}

// upgraded is the server whose redirect leads to what was asked of it, by https: a viewer who
// was led back to where viewers ask it would get the same redirect, without end. nil: another
// one.
func upgraded(s *server, asked string, to *url.URL) *server {
	was, err := s.parsed(asked)
	if err != nil || s.base.Scheme != "http" || to.Scheme != "https" || !s.called(to.Hostname()) || to.RequestURI() != was.RequestURI() {
		return nil
	}
	return s
}

// called tells whether a host is this server's, by its own name or the one that it is asked for.
func (s *server) called(host string) bool {
	other := url.URL{Host: s.group.config.Host}
	return strings.EqualFold(host, s.base.Hostname()) || other.Host != "" && strings.EqualFold(host, other.Hostname())
}

// plainly is a URL of a server that is asked by https since it leads there, as the upstream's
// setting names it.
func (s *server) plainly(to *url.URL) *url.URL {
	if s.plain == nil || to.Scheme != "https" || !s.called(to.Hostname()) {
		return to
	}
	as := *to
	as.Scheme, as.Host = s.plain.base.Scheme, s.plain.base.Host
	return &as
}

// location is where a redirect leads, nil: it is none.
func location(resp *http.Response, target string, s *server) *url.URL {
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect, http.StatusCreated:
	default:
		return nil
	}
	text := resp.Header.Get("Location")
	asked, err := s.parsed(target)
	if text == "" || err != nil {
		return nil
	}
	to, err := asked.Parse(text)
	if err != nil {
		return nil
	}
	return to
}

// parsed is the URL of a target at this server.
func (s *server) parsed(target string) (*url.URL, error) {
	return url.Parse(s.base.Scheme + "://" + s.base.Host + s.base.EscapedPath() + target)
}

// target is a URL of this upstream as viewers ask for it. False: it is none.
func (g *group) target(u *url.URL) (string, bool) {
	target, own := g.below(u)
	return reference(target), own && g.asked(target)
}

// reference is a target as a reference to it: "//x" would be the host x (RFC 3986 section 4.2).
func reference(target string) string {
	if strings.HasPrefix(target, "//") {
		return "/." + target
	}
	return target
}

// led is a Location as viewers get it: a target where that comes from this upstream,
// else a URL. By a path alone they would be given what another upstream has, or what lies
// elsewhere in the session.
func (g *group) led(text string, to *url.URL, target string, own bool) string {
	switch {
	case own && g.asked(target):
		return reference(target)
	case !own && (strings.HasPrefix(text, "//") || strings.HasPrefix(text, "/") && g.asked(text)): // an origin may not know its base path
		return text
	case !own && hasScheme(text):
		return text
	}
	return to.String()
}

func hasScheme(text string) bool {
	i := strings.IndexAny(text, ":/?#")
	return i > 0 && text[i] == ':'
}

// asked tells whether what is asked for by a target comes from the place that this
// upstream would ask for it: from itself, or from another one of the same servers.
func (g *group) asked(target string) bool {
	by := g.u.of(target)
	return by != nil && (by.config.Prefix == g.config.Prefix || by.config.Host == g.config.Host && slices.EqualFunc(by.servers, g.servers, func(a, b *server) bool { return a.name == b.name }))
}

// below is the path and query of a URL below the base path of the server that it names.
// False: it is at no server of this upstream.
func (g *group) below(u *url.URL) (string, bool) {
	for _, s := range g.servers {
		if u.Scheme != s.base.Scheme || !strings.EqualFold(u.Host, s.base.Host) && (g.config.Host == "" || !strings.EqualFold(u.Host, g.config.Host)) {
			continue
		}
		path := u.EscapedPath()
		if base := s.base.EscapedPath(); base != "" {
			below, ok := strings.CutPrefix(path, base)
			if !ok || below != "" && below[0] != '/' {
				continue
			}
			path = below
		}
		if path == "" {
			path = "/"
		}
		if u.RawQuery != "" || u.ForceQuery {
			path += "?" + u.RawQuery
		}
		if u.Fragment != "" {
			path += "#" + u.EscapedFragment()
		}
		return path, true
	}
	return "", false
}

// Target is the request target by which viewers ask for a URL of an upstream's
// server. False: no upstream has it.
func (u *Upstreams) Target(to *url.URL) (string, bool) {
	for _, g := range *u.groups.Load() {
		if target, ok := g.target(to); ok {
			return target, true
		}
	}
	return "", false
}

// Hosts are the hosts of all servers: URLs that name them are this cluster's.
func (u *Upstreams) Hosts() []string {
	var all []string
	for _, g := range *u.groups.Load() {
		for _, s := range g.servers {
			all = append(all, s.base.Host)
		}
		if g.config.Host != "" {
			all = append(all, g.config.Host)
		}
	}
	return all
}
