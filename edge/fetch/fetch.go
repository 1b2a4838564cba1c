package fetch

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"tandem/edge/clock"
	"tandem/edge/deadly"
	"tandem/edge/hints"
	"tandem/edge/manifest"
	"tandem/edge/pushed"
	"tandem/edge/recent"
	"tandem/edge/upstream"
	"tandem/edge/varied"
	"tandem/edge/waits"
	"tandem/internal/call"
	"tandem/internal/run"
	"tandem/internal/wire"
	"tandem/segstore"
)

// Ways of duplication: how the second copy of an object comes to the other
// member of a pair (claims 5, 6, 7).
const (
	DuplicateRelay     = "relay"     // the filler gets it, the other one gets it from the filler as it comes
	DuplicateOrigin    = "origin"    // claim 7: the origin is asked to send it to the other one as well
	DuplicateMulticast = "multicast" // claim 6: the origin sends it once to a group that both have joined
)

// FetchConfig is what a Fetcher is set to.
type Config struct {
	Name          string // of this edge
	LoopID        string // by which this edge, or its cluster, knows its own requests again (RFC 8586)
	OriginTimeout time.Duration
	PeerSilent    time.Duration
	Duplication   string
	Named         bool          // nodes have names: no other origin than one of theirs is told where to send objects
	ManifestLimit int64         // bytes of a manifest that is read
	Spool         string        // directory of large ones while they come
	ToPublish     time.Duration // in place of publishLimit, in tests on busy machines
	StallAfter    time.Duration // in place of a fifth of OriginTimeout, in tests
}

// FetchDeps is what a Fetcher stands on.
type Deps struct {
	Logger  zerolog.Logger
	Now     func() time.Time
	Clock   *clock.Clock
	Store   *segstore.Store
	View    *View
	Call    *call.Client
	Origins *upstream.Upstreams

	Manifests *manifest.Cache
}

// FetchCounts are figures since the start.
type Counts struct {
	Hits, Misses, Stale, Waiting atomic.Int64
	OriginAsked                  atomic.Int64
	SteppedBack, Unpublished     atomic.Int64
	Hinted                       atomic.Int64
}

// Group is where objects come in datagrams (claim 6).
type Group interface {
	// Destination is what the origin is told, "" while the group is not heard.
	Destination() string
	// Expect takes the head of an answer whose object comes in datagrams. Nil: there
	// is no room for it, or it is not the one that was asked for.
	Expect(h http.Header, key, contentType string) Parts
}

// Parts is an object that comes in datagrams.
type Parts interface {
	// Meta is what is said of it, and whether it is for the store.
	Meta() (meta segstore.Meta, store bool)
	// Gather writes it in order, as it comes.
	Gather(ctx context.Context, sink *segstore.Sink, pair wire.PairID) error
	// Forget ends it.
	Forget()
}

// Fetcher gets objects: out of the store, else from the other member of the pair
// or the origin, into the store.
type Fetcher struct {
	cfg       Config
	log       zerolog.Logger
	now       func() time.Time
	clock     *clock.Clock
	store     *segstore.Store
	view      *View
	call      *call.Client
	origins   origins
	peers     *http.Client
	manifests *manifest.Cache
	lives     lives
	wholes    recent.Names // folders whose objects their origin gives whole or not at all, and keys of which slices are of two versions
	loose     recent.Names // keys of those whose origin gives parts that show no version
	oversize  recent.Names // keys of bodies that the store began to take and could not
	unfit     recent.Names // see rules.UnfitFor
	varied    varied.Folders
	cutOff    recent.Names  // targets whose bodies broke off, and at the same byte again
	purged    atomic.Uint64 // number of the last purge of the placement that was carried out
	waits     waits.Waits
	copies    chan copyJob
	group     Group // nil without one; set before Run

	Counts Counts
	Deadly deadly.Record
	Pushed pushed.Record
	Hints  *hints.Hints
	Heard  func(what string, pair wire.PairID) // what a neighbour gives of Hints.Given; set before Run
}

// NewFetcher makes one; it starts nothing.
func New(cfg Config, deps Deps) *Fetcher {
	f := &Fetcher{
		cfg: cfg, log: deps.Logger, now: deps.Now, clock: deps.Clock, store: deps.Store, view: deps.View, call: deps.Call,
		peers: newPeers(deps.Call), manifests: deps.Manifests,
		copies: make(chan copyJob, 8192), Heard: func(string, wire.PairID) {},
	}
	f.lives = lives{manifests: deps.Manifests, now: deps.Now, steppedBack: &f.Counts.SteppedBack, known: map[string]life{}}
	f.Hints = hints.New(cfg.Name, deps.View, deps.Call, &f.Counts.Hinted)
	f.origins = origins{deps.Origins, cfg.Name, cfg.LoopID, &f.Counts.OriginAsked, &f.Deadly, deps.Now}
	return f
}

// Join makes objects come by a group as well. To be called before Run.
func (f *Fetcher) Join(g Group) { f.group = g }

// Run tells partners what is being filled, and copies what they tell, until ctx
// ends.
func (f *Fetcher) Run(ctx context.Context) error {
	return run.Group(ctx, run.Part{Name: "hints", Run: f.Hints.Run}, run.Part{Name: "copies", Run: f.copyHinted})
}
