package manifest

import (
	"strings"
	"sync"

	"tandem/edge/rules"
	"tandem/internal/media"
)

// Bounds of what is remembered of redirects.
const (
	maxRedirects  = 4096
	maxRedirected = 4 << 10 // bytes of both targets
)

// Redirects are where the origin has led viewers on, by a redirect or an MPD's Location:
// what they get then is what it was asked for by the first name. The oldest is forgotten first. Safe for
// many goroutines; the zero value is ready.
type Redirects struct {
	mu    sync.Mutex
	named map[string]string // where it led to -> what a manifest names; guarded by mu
	order []string          // the keys, a ring once it is full; guarded by mu
	next  int               // the oldest of the ring; guarded by mu
}

// Note enters that a request for one target was led to another one.
func (r *Redirects) Note(from, to string) {
	if from == to || len(from)+len(to) > maxRedirected {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.named == nil {
		r.named = map[string]string{}
	}
	if first, ok := r.named[from]; ok { // led on, once more
		from = first
	}
	if from == to {
		return
	}
	_, known := r.named[to]
	r.named[to] = from
	switch {
	case known:
	case len(r.order) < maxRedirects:
		r.order = append(r.order, to)
	default:
		delete(r.named, r.order[r.next])
		r.order[r.next] = to
		r.next = (r.next + 1) % maxRedirects
	}
}

// Named is what a manifest names of which the origin has led to a target.
func (r *Redirects) Named(target string) (string, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	from, ok := r.named[target]
	return from, ok
}

// Family is what all forms of a live manifest have in common, and its addresses where
// each reload is led to one that is signed anew: the path, and the address that was asked
// for first. That alone tells a signature from a name: two queries that nobody led to are two channels.
func (r *Redirects) Family(key string) string {
	target := rules.TargetOf(key)
	from, led := r.Named(target)
	if plain := media.Family(target); !led && plain != target {
		from, led = r.Named(plain)
	}
	if !led {
		return media.Family(key)
	}
	if from, target = media.Family(from), rules.PathOf(key); rules.PathOf(from) != target {
		from = target + " " + from // no target has a space
	}
	return from + strings.TrimPrefix(key, rules.TargetOf(key))
}
