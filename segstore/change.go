package segstore

import (
	"context"
	"io"
	"strings"
)

// Put stores a complete object that somebody pushes; m.Size and m.Digest are
// verified where given (-1 and "": not). Readers may join it while it arrives. A
// copy with the same digest is kept and nothing is read. It runs in the caller's
// goroutine; when Close comes first the error is ErrClosed.
func (s *Store) Put(key Key, m Meta, body io.Reader) error {
	if err := checkKey(key); err != nil {
		return err
	}
	if s.same(key, m) {
		return nil
	}
	shard := s.shard(key)
	shard.mu.Lock()
	if s.closed.Load() {
		shard.mu.Unlock()
		return ErrClosed
	}
	f := s.newFill(shard, key)
	f.detached = true
	// Beside a running fill nobody joins this one: the other has the readers, and
	// replaces what this one stores if it ends later.
	if shard.fills[key] == nil {
		shard.fills[key] = f
	} else {
		f.aside = true
		shard.aside[f] = struct{}{}
	}
	shard.mu.Unlock()
	return f.run(func(_ context.Context, sink *Sink) error {
		if err := sink.Begin(m); err != nil {
			return err
		}
		_, err := io.Copy(sink, body)
		return err
	})
}

// same keeps a copy that has the digest which is announced.
func (s *Store) same(key Key, m Meta) bool {
	if m.Digest == "" {
		return false
	}
	shard := s.shard(key)
	shard.mu.Lock()
	o := shard.objects[key]
	if o == nil {
		shard.mu.Unlock()
		return false
	}
	o.acquire()
	shard.mu.Unlock()
	defer o.release()
	have := o.meta.Load()
	return strings.EqualFold(have.Digest, m.Digest) && have.ETag == m.ETag &&
		have.Volatile == m.Volatile && o.checkSize() == nil && s.remeta(o, m, nil)
}

// Replace changes the metadata of the complete copy after the origin has said
// that it is still valid: Fresh, and what else m names, are new. ErrAbsent: there
// is no copy; ErrChanged: m.ETag is given and not the copy's.
func (s *Store) Replace(key Key, m Meta) error {
	shard := s.shard(key)
	shard.mu.Lock()
	o := shard.objects[key]
	if o == nil {
		shard.mu.Unlock()
		return ErrAbsent
	}
	o.acquire()
	shard.mu.Unlock()
	defer o.release()
	if m.ETag != "" && m.ETag != o.meta.Load().ETag {
		return ErrChanged
	}
	if !s.remeta(o, m, nil) {
		return ErrAbsent
	}
	return nil
}

// remeta changes o's metadata; false: it is no longer its key's copy, m is out of bounds, or
// by, the fill that found it out (nil: none), is to store nothing.
func (s *Store) remeta(o *object, m Meta, by *fill) bool {
	shard := s.shard(o.key)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	if shard.objects[o.key] != o || by != nil && by.purged {
		return false
	}
	meta := o.meta.Load().revalidated(m)
	if meta.settle(s.opt.Now()) != nil {
		return false
	}
	s.streams.note(o.meta.Load(), -1)
	s.streams.note(&meta, 1)
	o.meta.Store(&meta)
	if o.file != nil {
		s.commit.enqueue(o.key, o)
	}
	return true
}

// Delete removes the copy, and lets a running fill store nothing; its readers,
// and those of the copy, read on. Whoever asks next starts anew. A crash within
// 20 ms may bring the copy back: Durable waits.
func (s *Store) Delete(key Key) bool {
	shard := s.shard(key)
	shard.mu.Lock()
	o, found := shard.purge(key)
	shard.mu.Unlock()
	if o != nil {
		o.release()
	}
	return found
}

// Expire makes the copy one that is no longer fresh, and lets a running fill store nothing:
// whoever asks next has the origin asked, and gets no answer from before.
func (s *Store) Expire(key Key) {
	shard := s.shard(key)
	shard.mu.Lock()
	shard.disown(key)
	o := shard.objects[key]
	if o == nil {
		shard.mu.Unlock()
		return
	}
	o.acquire()
	shard.mu.Unlock()
	defer o.release()
	if now := s.opt.Now(); s.fresh(o) {
		s.remeta(o, Meta{Fresh: now}, nil)
	}
}

// DeletePrefix is Delete for all keys that begin with prefix ("/" or "": all);
// it returns how many keys had a copy or a fill.
func (s *Store) DeletePrefix(prefix string) int {
	deleted := 0
	for i := range s.shards {
		deleted += s.shards[i].deletePrefix(prefix)
	}
	return deleted
}

func (sh *shard) deletePrefix(prefix string) int {
	return sh.deleteAll(func(keys map[Key]struct{}) {
		for key := range sh.objects {
			if strings.HasPrefix(key, prefix) {
				keys[key] = struct{}{}
			}
		}
		for key := range sh.fills {
			if strings.HasPrefix(key, prefix) {
				keys[key] = struct{}{}
			}
		}
	})
}

// deleteAll is Delete for the keys that choose, which is called with mu held, puts into a set.
func (sh *shard) deleteAll(choose func(keys map[Key]struct{})) int {
	sh.mu.Lock()
	keys := make(map[Key]struct{})
	choose(keys)
	var gone []*object
	for key := range keys {
		if o, _ := sh.purge(key); o != nil {
			gone = append(gone, o)
		}
	}
	sh.mu.Unlock()
	for _, o := range gone { // files are removed outside the mutex
		o.release()
	}
	return len(keys)
}

// DeleteTagged is Delete for all that bears a tag; it returns how many keys had a
// copy or a fill that does. A fill of which it is not known yet stores nothing if it
// turns out to.
func (s *Store) DeleteTagged(tag string) int {
	deleted := 0
	for i := range s.shards {
		deleted += s.shards[i].deleteTagged(tag)
	}
	return deleted
}

func (sh *shard) deleteTagged(tag string) int {
	return sh.deleteAll(func(keys map[Key]struct{}) {
		for key, o := range sh.objects {
			if o.meta.Load().Tags.Has(tag) {
				keys[key] = struct{}{}
			}
		}
		for key, f := range sh.fills {
			switch {
			case f.object == nil:
				f.untagged = append(f.untagged, tag)
			case f.object.meta.Load().Tags.Has(tag):
				keys[key] = struct{}{}
			}
		}
	})
}

// purge takes the key's copy and fills out; mu is held, the caller releases the
// object.
func (sh *shard) purge(key Key) (o *object, found bool) {
	found = sh.disown(key)
	if o = sh.objects[key]; o != nil {
		sh.forget(o)
		found = true
	}
	return o, found
}

// disown lets what is on its way store nothing, and nobody join it; called with mu held.
func (sh *shard) disown(key Key) (found bool) {
	if f := sh.fills[key]; f != nil {
		f.purged = true
		delete(sh.fills, key)
		found = true
		if f.readers == 0 && !f.detached {
			f.cancel(ErrAbandoned)
		}
	}
	for f := range sh.aside {
		if f.key == key {
			f.purged = true
		}
	}
	return found
}

// discard throws away a copy that turned out not to be what its metadata says,
// and breaks it for those who read it.
func (s *Store) discard(o *object, why error) {
	if s.closed.Load() { // the directory may be another's: nothing is known
		o.end(why)
		return
	}
	shard := s.shard(o.key)
	shard.mu.Lock()
	held := shard.objects[o.key] == o
	if held {
		shard.forget(o)
	}
	o.end(why) // inside, so that no fill completes it in between
	shard.mu.Unlock()
	if held {
		s.count.broken.Add(1)
		s.log.Error().Err(why).Str("key", o.key).Msg("a copy is not what it was; it is thrown away")
		o.release()
	}
}
