package lb

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"tandem/internal/access"
	"tandem/internal/filewatch"
	"tandem/internal/protected"
	"tandem/internal/wire"
	"tandem/lb/control"
)

// reasonUnset: what is asked for is protected, and this balancer has no rule for it.
const reasonUnset = "access_unset"

// entrance lets viewers in: by this balancer's policy, which is read anew when one of
// its files changes. A broken new one changes nothing.
type entrance struct {
	file      string
	log       zerolog.Logger
	now       func() time.Time
	placement func() *wire.Placement
	refused   func(reason string)

	policy atomic.Pointer[access.Policy] // nil: none was given
	known  protected.Known               // of the placement
	files  []string                      // owned by run, as stamps
	stamps filewatch.Stamps
}

// openEntrance reads the policy once.
func openEntrance(file string, log zerolog.Logger, now func() time.Time, placement func() *wire.Placement, refused func(string)) (*entrance, error) {
	e := &entrance{file: file, log: log, now: now, placement: placement, refused: refused}
	if err := e.read(); err != nil {
		return nil, fmt.Errorf("--access-file: %w", err)
	}
	return e, nil
}

func (e *entrance) read() error {
	if e.file == "" {
		return nil
	}
	policy, files, err := access.Load(e.file)
	if err != nil {
		return err
	}
	e.policy.Store(policy)
	e.files = files
	return nil
}

// run watches the policy's files until ctx ends.
func (e *entrance) run(ctx context.Context) error {
	e.stamps = filewatch.Of(e.files...)
	return filewatch.Run(ctx, e.look)
}

// look reads the policy if a file of it has changed.
func (e *entrance) look() {
	stamps := filewatch.Of(e.files...) // of before it is read: what changes meanwhile is read again
	if stamps.Same(e.stamps) {
		return
	}
	if err := e.read(); err != nil {
		e.log.Warn().Err(err).Msg("the new access rules can't be used; the old ones stay")
		e.stamps = stamps
		return
	}
	e.stamps = filewatch.Of(e.files...)
	e.log.Info().Str("file", e.file).Msg("access rules read anew")
}

// protects is what this balancer wants to be protected everywhere; false: it has no
// policy that could say so.
func (e *entrance) protects() ([]wire.Protected, bool) {
	policy := e.policy.Load()
	return policy.Protected(), policy != nil
}

// protected is what the cluster protects.
func (e *entrance) protected() *protected.Paths { return e.known.Of(e.placement().Trust) }

// admit judges a request without a session. What it shows of a viewer's token is
// taken out of it: neither the origin nor the stream's name has to do with that.
func (e *entrance) admit(r *http.Request) (control.Terms, *access.Refusal) {
	policy, paths := e.policy.Load(), e.protected()
	rule := policy.Rule(r.RequestURI)
	if rule == nil {
		if _, protected := paths.Of(r.RequestURI); protected {
			return control.Terms{}, e.refuse(&access.Refusal{Reason: reasonUnset, Text: "this balancer has no rule that says who may open this stream; see --access-file"})
		}
		return control.Terms{}, nil
	}
	grant, err := policy.Open(requestOf(r), e.now())
	if err != nil {
		var refusal *access.Refusal
		if !errors.As(err, &refusal) {
			refusal = &access.Refusal{Reason: access.ReasonInvalid, Text: "the token can't be judged"}
		}
		return control.Terms{}, e.refuse(refusal)
	}
	r.RequestURI = grant.Target
	rule.Strip(r.Header)
	return control.Terms{Until: grant.Until, Scope: grant.Scope}, nil
}

func (e *entrance) refuse(r *access.Refusal) *access.Refusal {
	e.refused(r.Reason)
	return r
}

// requestOf is a request as a policy judges it.
func requestOf(r *http.Request) access.Request {
	q := access.Request{Method: r.Method, Target: r.RequestURI, Scheme: "http", Host: r.Host, Protocol: "http/1.1", Header: r.Header}
	if r.TLS != nil {
		q.Scheme = "https"
	}
	if r.ProtoMajor == 2 {
		q.Protocol = "h2"
	}
	q.Address, _ = netip.ParseAddr(hostOf(r.RemoteAddr)) // else it is of no network
	return q
}

// reaches tells whether a session may have a target.
func (e *entrance) reaches(stream string, t wire.Token, target string) bool {
	return e.protected().Reaches(stream, t.Scope, target)
}

// shows tells whether a request in a session carries what would open it anew: that
// goes no further than here.
func (e *entrance) shows(stream string, t wire.Token, get func(name string) string) bool {
	if t.Scope == 0 {
		return false
	}
	rule := e.policy.Load().Rule(stream)
	return rule != nil && rule.Shown(get)
}

// strip takes that out of the request.
func (e *entrance) strip(stream string, t wire.Token, h http.Header) {
	if e.shows(stream, t, h.Get) {
		e.policy.Load().Rule(stream).Strip(h)
	}
}
