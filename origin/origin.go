package origin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"tandem/internal/budget"
	"tandem/internal/obs"
	"tandem/internal/rights"
	"tandem/internal/run"
	"tandem/internal/wire"
	"tandem/origin/ingest"
)

// Deps is what an origin stands on.
type Deps struct {
	Logger   zerolog.Logger
	Registry *prometheus.Registry // nil: a private one
	Now      func() time.Time     // time.Now when nil
	Secret   wire.Secret          // the zero value: no cluster
}

// Origin is one origin server.
type Origin struct {
	config   Config
	deps     Deps
	library  *library
	channels []*channel // looped ones, fixed after New
	facts    *facts
	counts   *counts
	catalog  *catalog
	delivery *delivery
	ingest   *ingest.Ingest  // nil: nothing is taken in
	member   *member         // nil: this origin is no node of a cluster
	limiter  *budget.Limiter // of connections
	metrics  *metrics
}

// New reads the streams that are looped. It starts nothing; Close gives back
// the media directory.
func New(c Config, d Deps) (*Origin, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Registry == nil {
		d.Registry = prometheus.NewRegistry()
	}
	at, err := wire.GroupInterface(c.MulticastInterface, c.Listen)
	if err != nil {
		return nil, fmt.Errorf("--multicast-interface: %s: %w", c.MulticastInterface, err)
	}
	l, err := openLibrary(c)
	if err != nil {
		return nil, err
	}
	o := &Origin{
		config: c, deps: d, library: l, facts: &facts{known: map[factKey]*fact{}}, counts: &counts{byPath: map[string]int64{}},
		limiter: budget.NewLimiter(c.MaxConnections, c.MaxPerClient, wire.ClientOf),
	}
	o.metrics = newMetrics(d.Registry, o.limiter)
	o.facts.made = o.metrics.digests.Inc
	if err := o.loadChannels(); err != nil {
		_ = l.close()
		return nil, err
	}
	o.catalog = &catalog{library: l, channels: o.channels, now: d.Now}
	if c.Identity != "" {
		if o.member, err = newMember(c, d); err != nil {
			_ = l.close()
			return nil, err
		}
	}
	o.delivery = newDelivery(o, newMulticast(o, at))
	if c.Ingest {
		if o.ingest, err = ingest.New(o.ingestConfig()); err != nil {
			_ = l.close()
			return nil, err
		}
	}
	return o, nil
}

func (o *Origin) loadChannels() error {
	for _, text := range o.config.Loop {
		from, err := parseLoop(text)
		if err != nil {
			return err
		}
		c, err := loadChannel(o.library, from, o.config.Window)
		if err != nil {
			return fmt.Errorf("--loop %s: %w", text, err)
		}
		o.channels = append(o.channels, c)
	}
	return nil
}

// Run sends what edges want delivered, follows the file of publishing points, and
// keeps this origin a node of the cluster, until ctx ends.
func (o *Origin) Run(ctx context.Context) error {
	parts := []run.Part{{Name: "delivery", Run: o.delivery.run}}
	if o.config.PublishingPoints != "" {
		parts = append(parts, run.Part{Name: "publishing points", Run: o.ingest.Run})
	}
	if o.member != nil {
		parts = append(parts, o.member.parts()...)
	}
	return run.Group(ctx, parts...)
}

// Close gives back the media directory, after the last request.
func (o *Origin) Close() error { return o.library.close() }

// Handler is the side of viewers, of who pushes, and, where nodes have no names, of
// edges.
func (o *Origin) Handler() http.Handler {
	r := chi.NewRouter()
	r.Group(func(r chi.Router) {
		r.Use(o.members)
		o.mountCounts(r)
	})
	r.HandleFunc("/_tandem/*", func(w http.ResponseWriter, r *http.Request) { o.refuse(w, r, errNotFound) })
	r.Get("/*", o.serve)
	r.Head("/*", o.serve)
	r.Options("/*", preflight)
	for _, method := range []string{http.MethodPut, http.MethodPost} {
		r.Method(method, "/*", o.takes((*ingest.Ingest).Put))
	}
	r.Method(http.MethodDelete, "/*", o.takes((*ingest.Ingest).Delete))
	return r
}

// Admin is the operators' side.
func (o *Origin) Admin() http.Handler {
	r := chi.NewRouter()
	obs.Mount(r, o.deps.Registry, o.ready)
	o.mountCounts(r)
	r.Post(wire.PathCounts, func(w http.ResponseWriter, _ *http.Request) { answerJSON(w, o.counts.take(true)) })
	return r
}

// ready tells why the origin should get no requests.
func (o *Origin) ready() error {
	if o.library.root == nil {
		return nil
	}
	own, err := o.library.root.Stat(".")
	if err != nil {
		return fmt.Errorf("the media directory can't be read: %w", err)
	}
	there, err := os.Stat(o.config.Media)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && !os.SameFile(own, there):
		return errors.New("its --media was removed, or is another directory now: start this origin again; it serves the one that it had")
	case err != nil:
		return fmt.Errorf("the media directory can't be read: %w", err)
	}
	return nil
}

func (o *Origin) mountCounts(r chi.Router) {
	r.Get(wire.PathCatalog, func(w http.ResponseWriter, _ *http.Request) { answerJSON(w, o.catalog.streams()) })
	r.Get(wire.PathCounts, func(w http.ResponseWriter, _ *http.Request) { answerJSON(w, o.counts.take(false)) })
}

// members lets only nodes of the cluster through, where there is a cluster.
func (o *Origin) members(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if o.clustered() && !o.ofNode(r) {
			http.Error(w, "forbidden", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// clustered tells whether there are nodes to tell from strangers.
func (o *Origin) clustered() bool { return o.member != nil || o.deps.Secret.Valid() }

// ofNode tells whether a node of the cluster asks: by its certificate, or, where nodes
// have none, by the secret that it shows.
func (o *Origin) ofNode(r *http.Request) bool {
	if o.member != nil {
		return rights.Node(r)
	}
	return o.deps.Secret.Authorised(r)
}
