package segstore

import (
	"time"

	"tandem/segstore/record"
)

// Stats are counters since Open, and what is there now.
type Stats struct {
	Objects      int   // complete ones
	Bytes        int64 // of bodies on disk, growing and still-read ones included
	MemoryBytes  int64 // of volatile bodies
	Hits         int64 // Get or Peek that found a complete copy
	Misses       int64 // Get or Refresh that started a fill
	Joined       int64 // Get or Refresh that joined one
	Fills        int64 // Sources run
	FillErrors   int64 // fills and Puts that stored nothing because of an error
	Evicted      int64 // objects thrown out to make room
	EvictedBytes int64
	Broken       int64 // copies found damaged and thrown away
	Proven       int64 // copies from before Open that were compared with their digest
}

type counts struct {
	hits, misses, joined, fills, fillErrors counter
	evicted, evictedBytes, broken, proven   counter
}

// Stats returns the counters.
func (s *Store) Stats() Stats {
	objects := 0
	for i := range s.shards {
		objects += s.shards[i].len()
	}
	return Stats{
		Objects:      objects,
		Bytes:        s.disk.bodies.Load(),
		MemoryBytes:  s.volatile.bodies.Load(),
		Hits:         s.count.hits.Load(),
		Misses:       s.count.misses.Load(),
		Joined:       s.count.joined.Load(),
		Fills:        s.count.fills.Load(),
		FillErrors:   s.count.fillErrors.Load(),
		Evicted:      s.count.evicted.Load(),
		EvictedBytes: s.count.evictedBytes.Load(),
		Broken:       s.count.broken.Load(),
		Proven:       s.count.proven.Load(),
	}
}

func (sh *shard) len() int {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	return len(sh.objects)
}

// Item is one complete object in a List.
type Item struct {
	Key  Key
	Meta Meta
	Hits int64     // since Open
	Used time.Time // last use; after a restart, when it was stored
}

// List yields the complete objects in no order, until yield returns false. What
// changes while it runs may or may not be seen.
func (s *Store) List(yield func(Item) bool) {
	for i := range s.shards {
		for _, item := range s.shards[i].items() {
			if !yield(item) {
				return
			}
		}
	}
}

func (sh *shard) items() []Item {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	items := make([]Item, 0, len(sh.objects))
	for key, o := range sh.objects {
		items = append(items, Item{
			Key: key, Meta: *o.meta.Load(), Hits: o.hits.Load(), Used: record.Moment(o.used.Load()),
		})
	}
	return items
}
