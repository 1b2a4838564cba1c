package placement

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"tandem/internal/wire"
)

// keyNew adds a key. The first one of a purpose seals at once; a later one is made
// known first, and keyUse lets it seal when everybody opens with it. Another one
// can't be made before that.
func keyNew(ch *change) error {
	given := ch.c.Secret
	if given == nil || len(given.Key) != wire.KeySize {
		return fmt.Errorf("%w: a key has %d bytes", ErrMalformed, wire.KeySize)
	}
	if given.Purpose == wire.ForStreams {
		return ch.streamKey(given.Key)
	}
	set := ch.secrets.Keys.Of(given.Purpose)
	if set == nil {
		return fmt.Errorf("%w: no keys are for %q", ErrMalformed, cut(string(given.Purpose)))
	}
	if next, ok := set.Next(); ok {
		return fmt.Errorf("%w: key %d for %s does not seal yet", ErrRefused, next.ID, given.Purpose)
	}
	if len(set.Keys) >= wire.MaxKeys {
		return fmt.Errorf("%w: %d keys for %s are good, and something sealed with each may be in use: the oldest one ends by itself, or by command", ErrLimit, len(set.Keys), given.Purpose)
	}
	key := wire.Key{ID: freeID(set), Made: ch.c.At, Secret: given.Key}
	next := wire.KeySet{Sealing: set.Sealing, Keys: append(append([]wire.Key(nil), set.Keys...), key)}
	if len(set.Keys) == 0 {
		next.Sealing = key.ID
	}
	ch.setKeys(given.Purpose, next)
	ch.event(wire.Event{Kind: "keys", Text: fmt.Sprintf("Key %d for %s was made%s.", key.ID, given.Purpose, ch.by())})
	return nil
}

// freeID is one more than the last one given, past those that are still good.
func freeID(set *wire.KeySet) uint8 {
	id := uint8(0)
	if n := len(set.Keys); n > 0 {
		id = set.Keys[n-1].ID
	}
	for {
		id++
		if _, taken := set.Find(id); id != 0 && !taken {
			return id
		}
	}
}

// keyUse lets the newest key seal. The one before opens as long as it is kept.
func keyUse(ch *change) error {
	set, purpose, err := ch.keySet()
	if err != nil {
		return err
	}
	if set.Sealing == ch.c.Secret.KeyID {
		return nil
	}
	next, ok := set.Next()
	if !ok || next.ID != ch.c.Secret.KeyID {
		return fmt.Errorf("%w: key %d for %s is not the next one", ErrStale, ch.c.Secret.KeyID, purpose)
	}
	keys := append([]wire.Key(nil), set.Keys...)
	for i := range keys {
		if keys[i].ID == set.Sealing {
			keys[i].Ceased = ch.c.At
		}
	}
	ch.setKeys(purpose, wire.KeySet{Sealing: next.ID, Keys: keys})
	ch.event(wire.Event{Kind: "keys", Text: fmt.Sprintf("Key %d for %s seals now%s.", next.ID, purpose, ch.by())})
	return nil
}

// keyDrop ends a key: what was sealed with it opens no longer. The one that seals
// can't be dropped.
func keyDrop(ch *change) error {
	set, purpose, err := ch.keySet()
	if err != nil {
		return err
	}
	id := ch.c.Secret.KeyID
	if _, ok := set.Find(id); !ok {
		return nil
	}
	if id == set.Sealing {
		return fmt.Errorf("%w: key %d for %s seals", ErrRefused, id, purpose)
	}
	var stay []wire.Key
	for _, k := range set.Keys {
		if k.ID != id {
			stay = append(stay, k)
		}
	}
	ch.setKeys(purpose, wire.KeySet{Sealing: set.Sealing, Keys: stay})
	ch.event(wire.Event{Kind: "keys", Text: fmt.Sprintf("Key %d for %s is void%s.", id, purpose, ch.by())})
	return nil
}

func (ch *change) keySet() (*wire.KeySet, wire.Purpose, error) {
	given := ch.c.Secret
	if given == nil {
		return nil, "", fmt.Errorf("%w: no key is named", ErrMalformed)
	}
	set := ch.secrets.Keys.Of(given.Purpose)
	if set == nil {
		return nil, "", fmt.Errorf("%w: no keys are for %q", ErrMalformed, cut(string(given.Purpose)))
	}
	return set, given.Purpose, nil
}

// setKeys replaces the keys of a purpose, and lets the placement tell that there
// is something to fetch.
func (ch *change) setKeys(p wire.Purpose, set wire.KeySet) {
	*ch.secrets.Keys.Of(p) = set // of ch's own copy
	ch.secrets.Keys.Version = ch.version
	ch.trust().Keys = ch.version
}

// streamKey is given once: the names that it made stand in tokens.
func (ch *change) streamKey(key []byte) error {
	if ch.secrets.Streams != nil {
		return fmt.Errorf("%w: streams are named by a key already", ErrRefused)
	}
	ch.secrets.Streams = key
	p := ch.edit()
	for one := range p.Streams.All() {
		one.ID = ch.streamID(p, one.Stream)
		p.Streams = p.Streams.With(one)
	}
	ch.event(wire.Event{Kind: "keys", Text: "Streams are named by a key now."})
	return nil
}

// streamID names a stream in tokens. A name that is taken, which chance alone can
// bring about, gives way.
func (ch *change) streamID(p *wire.Placement, stream string) uint64 {
	if ch.secrets.Streams == nil {
		return 0
	}
	id := streamHash(ch.secrets.Streams, stream)
	for {
		if other, taken := p.StreamBy(id); id != 0 && (!taken || other == stream) {
			return id
		}
		id++
	}
}

func streamHash(key []byte, stream string) uint64 {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(stream))
	return binary.BigEndian.Uint64(mac.Sum(nil))
}
