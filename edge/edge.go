package edge

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"tandem/internal/run"
	"tandem/internal/wire"
	"tandem/segstore"
)

// Deps is what an edge is handed.
type Deps struct {
	Logger   zerolog.Logger
	Registry *prometheus.Registry
	Now      func() time.Time // time.Now when nil
}

// Edge is one member of the ring, or a caching proxy alone.
type Edge struct {
	cfg       Config
	log       zerolog.Logger
	registry  *prometheus.Registry
	now       func() time.Time
	store     *segstore.Store
	origin    *http.Client
	peers     *http.Client
	control   *http.Client // to balancers and for notices: short answers
	sessions  *sessions
	tracks    *tracks
	playlists playlists
	plain     plainLists
	shunned   shunned
	counts    counts
	group     *group
	ownHosts  []string

	view        atomic.Pointer[wire.Placement] // never nil
	changed     chan struct{}                  // one token: the placement changed
	incarnation atomic.Uint64
	taken       atomic.Bool // out of the ring, by an operator's order
	address     string      // base URL that others use; set before Run
	admin       string

	hints    chan hint
	copies   chan copyJob
	warming  chan []session
	recovery atomic.Pointer[wire.Recovery]
	copied   copied
	detector detector
	purged   uint64 // owned by follow
}

// New opens the store; it starts nothing. Close it when Run was never called.
func New(cfg Config, deps Deps) (*Edge, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	if deps.Registry == nil {
		deps.Registry = prometheus.NewRegistry()
	}
	group, err := newGroup(&cfg)
	if err != nil {
		return nil, err
	}
	store, err := segstore.Open(cfg.Data, segstore.Options{MaxBytes: cfg.StoreBytes, MemoryBytes: cfg.MemoryBytes, Now: deps.Now, Logger: deps.Logger})
	if err != nil {
		return nil, fmt.Errorf("--data: %w", err)
	}
	e := &Edge{
		cfg: cfg, log: deps.Logger, registry: deps.Registry, now: deps.Now, store: store,
		origin: client(cfg.OriginTimeout), peers: client(0), control: client(2 * time.Second),
		group: group, sessions: newSessions(cfg.Name), tracks: newTracks(), playlists: playlists{back: map[string]time.Time{}},
		changed: make(chan struct{}, 1), hints: make(chan hint, 4096), copies: make(chan copyJob, 8192), warming: make(chan []session, 16),
	}
	e.view.Store(new(wire.Placement).Index())
	if u, err := url.Parse(cfg.Origin); err == nil {
		e.ownHosts = []string{u.Host}
	}
	e.Bind("http://"+cfg.Listen, "http://"+cfg.AdminListen)
	e.incarnation.Store(e.nextIncarnation())
	e.purged = e.readNumber("purged")
	e.register()
	return e, nil
}

// Bind tells the base URLs at which the listeners really are; --advertise has
// the last word.
func (e *Edge) Bind(address, admin string) {
	e.address, e.admin = address, admin
	if e.cfg.Advertise != "" {
		e.address = strings.TrimSuffix(e.cfg.Advertise, "/")
	}
	if e.cfg.AdvertiseAdmin != "" {
		e.admin = strings.TrimSuffix(e.cfg.AdvertiseAdmin, "/")
	}
}

// placement is the newest placement that this edge has seen. Never changed.
func (e *Edge) placement() *wire.Placement { return e.view.Load() }

// clustered tells whether there are balancers to follow.
func (e *Edge) clustered() bool { return len(e.cfg.Balancers) > 0 }

// Run runs the loops until ctx ends, then closes the store.
func (e *Edge) Run(ctx context.Context) error {
	defer func() {
		if err := e.store.Close(); err != nil {
			e.log.Error().Err(err).Msg("store did not close cleanly; it recovers at the next start")
		}
	}()
	parts := []run.Part{{Name: "store", Run: wait}}
	if e.clustered() {
		parts = append(parts,
			run.Part{Name: "notices", Run: e.notices},
			run.Part{Name: "reports", Run: e.reports},
			run.Part{Name: "detect", Run: e.detect},
			run.Part{Name: "expire", Run: e.expire},
			run.Part{Name: "copying", Run: e.copying},
			run.Part{Name: "hints", Run: e.sendHints},
			run.Part{Name: "copies", Run: e.copyHinted},
			run.Part{Name: "warm", Run: e.warm},
			run.Part{Name: "follow", Run: e.follow},
		)
	}
	if e.cfg.Duplication == DuplicateMulticast && e.clustered() {
		parts = append(parts, run.Part{Name: "multicast", Run: e.receiveMulticast})
	}
	return run.Group(ctx, parts...)
}

func wait(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// Check walks the truths of the store.
func (e *Edge) Check() error { return e.store.Check() }

// nextIncarnation is higher than at any start before: the clock, or one more
// than the last one when the clock went back.
func (e *Edge) nextIncarnation() uint64 {
	n := max(uint64(e.now().UnixMilli()), e.readNumber("incarnation")+1, e.incarnation.Load()+1)
	e.writeNumber("incarnation", n)
	return n
}

func (e *Edge) readNumber(name string) uint64 {
	text, err := os.ReadFile(filepath.Join(e.cfg.Data, name))
	if err != nil {
		return 0
	}
	n, _ := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
	return n
}

func (e *Edge) writeNumber(name string, n uint64) {
	path := filepath.Join(e.cfg.Data, name)
	if err := os.WriteFile(path+".tmp", strconv.AppendUint(nil, n, 10), 0o600); err == nil {
		err = os.Rename(path+".tmp", path)
		if err == nil {
			return
		}
	}
	e.log.Warn().Str("file", path).Msg("can't be written; after a restart an old message might be taken for a new one")
}
