package manifest

import (
	"container/list"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sync/singleflight"

	"tandem/edge/rules"
	"tandem/internal/media"
	"tandem/segstore"
)

// Config is what a Cache is set to.
type Config struct {
	Limit  int64         // bytes of a manifest; a larger one is given as it is
	Memory int64         // bytes of all that are kept
	Wait   time.Duration // for room to read a large one in; roomWait when 0
}

// Deps is what a Cache stands on.
type Deps struct {
	Logger zerolog.Logger
	Store  *segstore.Store
	// Origin is what is ours to the manifest of a target.
	Origin func(target string) *media.Origin
}

// Counts are figures since the start.
type Counts struct {
	Parsed, Unread, Left, Busy atomic.Int64
}

// Cache keeps manifests. Safe for many goroutines.
type Cache struct {
	cfg     Config
	log     zerolog.Logger
	store   *segstore.Store
	origin  func(target string) *media.Origin
	parsing singleflight.Group
	room    room
	few     chan struct{} // places for those who decode or parse a large one

	mu        sync.Mutex
	entries   map[string]*list.Element // of *Entry by key; guarded by mu
	order     *list.List               // the one that was asked for last in front; guarded by mu
	bytes     int64                    // guarded by mu
	left      *list.List               // of *Entry: given out, and not among these any more; guarded by mu
	leftBytes int64                    // of those; guarded by mu
	parents   map[string]string        // keys of media playlists -> that of the multivariant one; guarded by mu
	strays    map[string]bool          // hosts, see stray; guarded by mu
	indexes   map[string]*media.Index  // of files, by their key, digest and place; guarded by mu

	Counts    Counts
	Redirects Redirects
}

// New makes an empty one.
func New(cfg Config, deps Deps) *Cache {
	return &Cache{
		cfg: cfg, log: deps.Logger, store: deps.Store, origin: deps.Origin,
		room: newRoom(cfg), few: make(chan struct{}, 2), entries: map[string]*list.Element{}, order: list.New(), left: list.New(), parents: map[string]string{}, strays: map[string]bool{}, indexes: map[string]*media.Index{},
	}
}

// Bounds beside that in bytes.
const (
	maxEntries  = 20_000
	maxChildren = 2000 // of a multivariant playlist
	maxParents  = 50_000
	overhead    = 512     // bytes of an entry
	large       = 1 << 20 // bytes of a manifest; so large ones are decoded and read two at a time
)

// Entry is one version of one object: a manifest, or known to be none. It never
// changes.
type Entry struct {
	*media.Manifest // nil: it is none
	key             string
	digest          string        // of the body as it is stored, in hex
	origin          *media.Origin // by which it was read; nil: it is no manifest
	stored          time.Time     // when that was made
	led             []byte        // see Led
	coded           coded
	holding         holding
}

// Upcoming tells whether a target that is not there may be a segment to come of a
// live manifest that is kept.
func (c *Cache) Upcoming(target string) bool {
	return slices.ContainsFunc(c.live(), func(m *media.Manifest) bool { return m.Upcoming(target) })
}

// KindOf is media.KindOf, but for what has no name and type of media: a manifest that is kept
// and lists it says that it is a segment. Many are called .html or .jpg, or nothing.
func (c *Cache) KindOf(target, contentType string) media.Kind {
	kind := media.KindOf(rules.PathOf(target), contentType)
	if kind == media.Other && slices.ContainsFunc(c.recent(), func(m *media.Manifest) bool {
		_, ok := m.Locate(target, media.ByteRange{})
		return ok
	}) {
		return media.Segment
	}
	return kind
}

// Grows tells whether a target is a file of which a live playlist that is kept lists
// ranges, and how many bytes of it are listed.
func (c *Cache) Grows(target string) (listed int64, ok bool) {
	for _, m := range c.live() {
		if n, known := m.Grows(target); known {
			listed, ok = max(listed, n), true
		}
	}
	return listed, ok
}

// live are the live manifests that were asked for last.
func (c *Cache) live() []*media.Manifest {
	return c.last(func(m *media.Manifest) bool { return m.Live() })
}

// recent are the manifests that were asked for last.
func (c *Cache) recent() []*media.Manifest {
	return c.last(func(*media.Manifest) bool { return true })
}

func (c *Cache) last(counts func(*media.Manifest) bool) []*media.Manifest {
	c.mu.Lock()
	defer c.mu.Unlock()
	var last []*media.Manifest
	for at := c.order.Front(); at != nil && len(last) < maxAsked; at = at.Next() {
		if m := at.Value.(*Entry).Manifest; m != nil && counts(m) {
			last = append(last, m)
		}
	}
	return last
}

// maxAsked bounds the manifests that are asked about one target.
const maxAsked = 200

// ErrNone is returned for what is no manifest, or can't be read.
var ErrNone = errors.New("no manifest")

// Known is what is kept of this very version, by what is ours now; false: nothing, ask Of.
func (c *Cache) Known(key string, m *segstore.Meta) (*Entry, bool) {
	e := c.version(key, m.Digest)
	if e == nil || e.origin != nil && e.origin != c.origin(rules.TargetOf(key)) {
		return nil, false
	}
	return e, true
}

// version is what is kept of a version, whatever was ours when it was read; nil: nothing.
func (c *Cache) version(key, digest string) *Entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[key]
	if e == nil || digest == "" || e.Value.(*Entry).digest != digest {
		return c.again(key, digest)
	}
	c.order.MoveToFront(e)
	return e.Value.(*Entry)
}

// Of is the manifest that a complete view is. What can't be had is an entry
// without one: it is given as it is. The only error is ErrBusy.
func (c *Cache) Of(key string, view *segstore.View) (*Entry, error) {
	m := view.Meta()
	if e, ok := c.Known(key, &m); ok {
		return e, nil
	}
	made, err, _ := c.parsing.Do(key+"\x00"+m.Digest, func() (any, error) {
		if e, ok := c.Known(key, &m); ok {
			return e, nil
		}
		body, leave, err := c.bodyOf(view)
		defer leave()
		if errors.Is(err, ErrBusy) {
			return nil, err
		}
		e := c.parse(key, &m, body, err)
		c.Keep(e)
		return e, nil
	})
	if err != nil {
		return nil, err
	}
	return made.(*Entry), nil
}

// Parse reads a body that is on its way into the store, or past it. Whoever gives
// it out keeps the entry.
func (c *Cache) Parse(key string, m *segstore.Meta, body []byte) *Entry {
	sum := sha256.Sum256(body)
	of := *m
	of.Digest, of.Size = hex.EncodeToString(sum[:]), int64(len(body))
	return c.parse(key, &of, body, nil)
}

// Kept is the newest version that was read, nil: none is kept. It waits for nobody.
func (c *Cache) Kept(key string) *media.Manifest {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[key]
	if e == nil {
		return nil
	}
	c.order.MoveToFront(e)
	return e.Value.(*Entry).Manifest
}

// Stored is when the origin had it.
func (e *Entry) Stored() time.Time { return e.stored }

// Stored is when the origin had the newest version that was read; zero: none is kept.
func (c *Cache) Stored(key string) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.entries[key]; e != nil {
		return e.Value.(*Entry).stored
	}
	return time.Time{}
}

// Get is the newest version in the store, or on its way there; nil: none.
func (c *Cache) Get(key string) *media.Manifest {
	if view, ok := c.store.Peek(key); ok {
		defer view.Close()
		if m := view.Meta(); view.Complete() && Candidate(key, &m) {
			if e, err := c.Of(key, view); err == nil {
				return e.Manifest
			}
		}
	}
	return c.Kept(key)
}

// parse reads a body, if that could be had.
func (c *Cache) parse(key string, m *segstore.Meta, stored []byte, err error) *Entry {
	e := &Entry{key: key, digest: m.Digest, stored: m.Stored}
	body := stored
	if err == nil {
		body, err = decoded(m.Encoding, stored, min(large, c.cfg.Limit))
		if len(body) > large || errors.Is(err, media.ErrTooLarge) {
			c.few <- struct{}{}
			defer func() { <-c.few }()
			body, err = decoded(m.Encoding, stored, c.cfg.Limit)
		}
	}
	if err == nil {
		target := rules.TargetOf(key)
		ours := c.origin(target)
		if e.Manifest, err = media.Parse(body, media.Site{Origin: ours, Target: target, Limit: c.cfg.Limit, Import: c.variables(target)}); e.Manifest != nil {
			e.origin = ours
			for _, at := range e.Locations() {
				c.Redirects.Note(target, at)
			}
		}
	}
	switch {
	case err == nil:
		e.lead()
		c.Counts.Parsed.Add(1)
		c.tell(e)
	case !errors.Is(err, media.ErrNoManifest) || media.IsPlaylist(media.KindOf(rules.PathOf(key), m.ContentType)) && m.Size != 0:
		c.Counts.Unread.Add(1)
		c.log.Warn().Err(err).Str("key", key).Msg("manifest not read; passed as it is")
	}
	return e
}

// tell says what an operator should know of a manifest.
func (c *Cache) tell(e *Entry) {
	if n := e.Left(); n > 0 {
		c.Counts.Left.Add(n)
		c.log.Warn().Str("key", e.key).Int64("uris", n).Msg("URIs left that name the origin; see --origin-hosts")
	}
	if host := e.Stray(); host != "" && c.stray(host) {
		c.log.Warn().Str("key", e.key).Str("host", host).Msg("a manifest names a host that viewers hardly reach; see --origin-hosts")
	}
	if err := e.Flaw(); err != nil {
		c.log.Debug().Err(err).Str("key", e.key).Msg("malformed manifest")
	}
}

// Keep puts an entry in the place of an older version.
func (c *Cache) Keep(e *Entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if old := c.entries[e.key]; old != nil {
		if e.stored.Before(old.Value.(*Entry).stored) {
			return // somebody still holds the one before
		}
		c.drop(old)
	}
	c.forget(e)
	c.entries[e.key] = c.order.PushFront(e)
	c.bytes += e.cost()
	if e.Manifest != nil && e.Kind() == media.Multivariant {
		c.adopt(e)
	}
	for c.order.Len() > 1 && (c.bytes > c.cfg.Memory || c.order.Len() > maxEntries) {
		c.drop(c.order.Back())
	}
}

func (e *Entry) cost() int64 {
	n := overhead + int64(len(e.key))
	if e.Manifest != nil {
		n += e.Cost() + int64(len(e.Body()))/3 // the forms in which it is sent
		if e.Edits().Count() > 0 {
			n += int64(len(e.led))
		}
	}
	return n
}

// drop forgets an entry. The caller holds mu.
func (c *Cache) drop(at *list.Element) {
	e := c.order.Remove(at).(*Entry)
	delete(c.entries, e.key)
	c.bytes -= e.cost()
	c.leave(e)
}

// Bytes is how much is kept.
func (c *Cache) Bytes() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.bytes
}

// adopt notes whose the media playlists are that a multivariant one names. The
// caller holds mu.
func (c *Cache) adopt(e *Entry) {
	if len(c.parents) > maxParents {
		clear(c.parents)
	}
	for i, child := range e.Children() {
		if i == maxChildren {
			break
		}
		c.parents[child.Target] = e.key
	}
}

// parent is the multivariant playlist that names a target, as far as it is kept;
// nil: none is known. It is not read for that: two may name each other.
func (c *Cache) parent(target string) *media.Manifest {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.entries[c.parents[media.Normal(target)]]; e != nil {
		return e.Value.(*Entry).Manifest
	}
	return nil
}

// variables are those of the multivariant playlist that names a target.
func (c *Cache) variables(target string) func(string) (media.Variable, bool) {
	return func(name string) (media.Variable, bool) {
		if p := c.parent(target); p != nil {
			return p.Variable(name)
		}
		return media.Variable{}, false
	}
}

// TrackKind is what the multivariant playlist says of a media playlist; false:
// nobody says it.
func (c *Cache) TrackKind(target string) (media.TrackKind, bool) {
	if p := c.parent(target); p != nil {
		return p.Child(target)
	}
	return 0, false
}
