package operator

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path"
	"strings"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"tandem/internal/call"
	"tandem/internal/filewatch"
	"tandem/internal/wire"
)

// Config is what a gate is set to.
type Config struct {
	Name   string   // of the node
	File   string   // of the operators; "": everybody is admin
	Listen string   // address of the listener: without a file only this machine may reach it
	Hosts  []string // names by which the listener is reached, beside addresses and localhost
	Secure bool     // the listener has TLS
	Open   bool     // without a file, and wherever it listens: everybody is admin
}

// Entry is one request that changed something, or was to.
type Entry = wire.Audited

// Deps is what it stands on; Audit may be nil.
type Deps struct {
	Now   func() time.Time
	Audit func(Entry) // for what somebody with a role asked; it must not wait
	Tell  func(err error)
}

// Gate stands before an admin listener.
type Gate struct {
	cfg    Config
	deps   Deps
	file   atomic.Pointer[file]   // nil: everybody is admin
	seals  atomic.Pointer[sealer] // of logins
	oidc   providers
	origin *http.CrossOriginProtection

	endings  endings
	watchers watchers
	guesses  guesses
}

// ErrOpen is returned for a listener that others can reach and that nobody guards.
var ErrOpen = errors.New("other machines can reach it, and no operators are named")

// New reads the operators.
func New(cfg Config, deps Deps) (*Gate, error) {
	g := &Gate{cfg: cfg, deps: deps, origin: http.NewCrossOriginProtection()}
	g.seals.Store(newSealer())
	if cfg.File != "" {
		f, err := load(cfg.File)
		if err != nil {
			return nil, err
		}
		g.file.Store(f)
		return g, nil
	}
	host, _, err := net.SplitHostPort(cfg.Listen)
	if !cfg.Open && (err != nil || !loopbackName(host)) {
		return nil, fmt.Errorf("%s: %w: give --operators-file (`tandem operator NAME --role admin` makes its first row), listen on 127.0.0.1, or say --admin-open", cfg.Listen, ErrOpen)
	}
	return g, nil
}

// loopbackName tells whether a host is this machine alone.
func loopbackName(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

// Run reads the operators' file anew when it changes, until ctx ends. A broken one
// changes nothing. Who watches and may not any more is sent away.
func (g *Gate) Run(ctx context.Context) error {
	seen := filewatch.Of(g.cfg.File)
	return filewatch.Run(ctx, func() {
		defer g.endRevoked()
		now := filewatch.Of(g.cfg.File)
		if g.cfg.File == "" || now.Same(seen) {
			return
		}
		seen = now
		if f, err := load(g.cfg.File); err != nil {
			g.deps.Tell(fmt.Errorf("the new operators can't be used, the old ones stay: %w", err))
		} else {
			g.file.Store(f)
		}
	})
}

// Wrap lets a request through to next if who asks may do what it asks for.
func (g *Gate) Wrap(next http.Handler, rows ...Row) http.Handler {
	t := newTable(rows)
	login := g.logins()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Frame-Options", "DENY")
		h.Set("Content-Security-Policy", "frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		needs := t.needs(r)
		if path.Clean(r.URL.Path) != strings.TrimSuffix(r.URL.Path, "/") && r.URL.Path != "/" {
			call.RefuseNode(w, http.StatusNotFound, call.ReasonUnused, "no such path") // two who read it might read two paths
			return
		}
		if needs > Nobody && !g.hostKnown(r.Host) {
			refuseHost(w)
			return
		}
		if strings.HasPrefix(r.URL.Path, authPath) {
			login.ServeHTTP(w, r)
			return
		}
		has := g.shownBy(r)
		p := g.who(has)
		if f := g.file.Load(); f != nil && f.openMetrics && r.URL.Path == "/metrics" {
			needs = Nobody
		}
		if p.Role < needs {
			if has.token != "" && p.Role == Nobody {
				g.guessed(r)
			}
			g.refuse(w, p, needs)
			g.audit(r, p, refusedStatus(p))
			return
		}
		if err := g.crossOrigin(r, p, needs); err != nil {
			call.RefuseNode(w, http.StatusForbidden, "cross_origin", "another site's page is given nothing here, and its orders are not taken")
			g.audit(r, p, http.StatusForbidden)
			return
		}
		noted := &statusWriter{ResponseWriter: w}
		ctx, left := g.watchers.enter(r.Context(), has, needs)
		defer left()
		next.ServeHTTP(noted, r.WithContext(context.WithValue(ctx, personKey{}, p)))
		g.audit(r, p, noted.status)
	})
}

func refuseHost(w http.ResponseWriter) {
	call.RefuseNode(w, http.StatusForbidden, "host", "this listener is not called by that name; its names are --admin-hosts")
}

// hostKnown admits addresses, and the names that were given to this listener.
// Scripts of a page whose name was rebound can send neither.
func (g *Gate) hostKnown(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.TrimSuffix(strings.ToLower(strings.Trim(name, "[]")), ".")
	if name == "localhost" || net.ParseIP(name) != nil {
		return true
	}
	for _, known := range g.cfg.Hosts {
		if name != "" && name == strings.TrimSuffix(strings.ToLower(known), ".") {
			return true
		}
	}
	return false
}

// who finds out who asks; Nobody when it can't.
func (g *Gate) who(has shown) Person {
	f := g.file.Load()
	if f == nil {
		return Person{Name: "anybody on this machine", Role: Admin, By: "open"}
	}
	if has.token != "" {
		p, _ := f.who(has.token)
		return p
	}
	v, ok := g.login(has)
	if !ok {
		return Person{}
	}
	if v.Token != "" { // by the file as it is now: a token that was taken out ends its logins
		p := f.tokens[v.Token]
		p.By = "login"
		return p
	}
	if f.oidc == nil || v.Issuer != f.oidc.issuer {
		return Person{}
	}
	return Person{Name: v.Name, Role: f.oidc.roleOf(v.Groups), By: v.By}
}

func refusedStatus(p Person) int {
	if p.Role == Nobody {
		return http.StatusUnauthorized
	}
	return http.StatusForbidden
}

func (g *Gate) refuse(w http.ResponseWriter, p Person, needs Role) {
	if p.Role == Nobody {
		w.Header().Set("WWW-Authenticate", `Bearer realm="tandem"`)
		call.RefuseNode(w, http.StatusUnauthorized, "login", "log in, or show a token (TANDEM_TOKEN): this is for "+needs.String()+"s")
		return
	}
	call.RefuseNode(w, http.StatusForbidden, "role", p.Name+" is "+p.Role.String()+"; this is for "+needs.String()+"s")
}

// crossOrigin refuses what a browser was made to send by another site's page: orders, and
// questions as well, whose answers that page can't read: a profile costs, and a stream of
// events takes a place. Who shows a token is no browser that was made to.
func (g *Gate) crossOrigin(r *http.Request, p Person, needs Role) error {
	if p.By == "token" {
		return nil
	}
	if needs == Nobody {
		return g.foreign(r)
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site == "cross-site" || site == "same-site" {
		return errForeign
	}
	asked := *r
	if r.Header.Get("Origin") != "" { // an older browser says no more than this
		asked.Method = http.MethodPost
	}
	return g.foreign(&asked)
}

// foreign tells whether a browser sends what another page has it send. A page of our
// host that came without TLS is another one: anybody between may have written it.
func (g *Gate) foreign(r *http.Request) error {
	if g.cfg.Secure && strings.HasPrefix(strings.ToLower(r.Header.Get("Origin")), "http:") {
		return errForeign
	}
	return g.origin.Check(r)
}

var errForeign = errors.New("another site's page")

// audit notes what changes something. What no order is called, as where a node is led to this
// listener in place of its own, is none: the next thousand would push orders out.
func (g *Gate) audit(r *http.Request, p Person, status int) {
	if g.deps.Audit == nil || status == http.StatusMethodNotAllowed || p.Role == Nobody || r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions {
		return
	}
	from, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		from = r.RemoteAddr
	}
	g.deps.Audit(Entry{
		Time: g.deps.Now().UnixMilli(), Who: p.Name, Role: p.Role.String(), By: p.By, From: from, Method: r.Method, Path: cut(r.URL.Path), Status: status,
	})
}

func cut(s string) string {
	if len(s) > 200 {
		s = s[:200]
	}
	return strings.Map(func(c rune) rune {
		if c == utf8.RuneError || !unicode.IsPrint(c) { // a terminal would do what it says
			return -1
		}
		return c
	}, s)
}

// statusWriter notes the status.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
