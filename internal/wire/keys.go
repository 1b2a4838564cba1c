package wire

import "fmt"

// KeySize is the length of every key that the cluster makes, in bytes.
const KeySize = 32

// MaxKeys bounds the keys of one purpose that are good at once: one that seals,
// one that is being made known, and those whose last token has not expired.
const MaxKeys = 8

// Purpose is what a key is for.
type Purpose string

// Purposes of keys.
const (
	ForTokens    Purpose = "tokens"    // seals sessions' tokens
	ForDatagrams Purpose = "datagrams" // seals datagrams to a multicast group
	ForStreams   Purpose = "streams"   // names streams in tokens; it never changes
)

// Key is one secret key. It never stands in a placement, an answer of the API, a
// log line or an error.
type Key struct {
	ID     uint8  `json:"id"`
	Made   int64  `json:"made"`             // unix milliseconds
	Ceased int64  `json:"ceased,omitempty"` // unix milliseconds at which it sealed for the last time; 0: it seals, or will
	Secret []byte `json:"secret"`           // KeySize bytes
}

// String tells nothing of the secret, whoever prints a key.
func (k Key) String() string { return fmt.Sprintf("key %d", k.ID) }

// GoString is String.
func (k Key) GoString() string { return k.String() }

// KeySet are the keys of one purpose.
type KeySet struct {
	Sealing uint8 `json:"sealing"` // ID of the one that seals
	Keys    []Key `json:"keys"`    // in the order in which they were made; all of them open
}

// Find returns the key of an ID.
func (s *KeySet) Find(id uint8) (Key, bool) {
	for _, k := range s.Keys {
		if k.ID == id {
			return k, true
		}
	}
	return Key{}, false
}

// Next is the key that is being made known, and will seal when all have it.
func (s *KeySet) Next() (Key, bool) {
	if n := len(s.Keys); n > 0 && s.Keys[n-1].ID != s.Sealing {
		return s.Keys[n-1], true
	}
	return Key{}, false
}

// Keys are the keys that balancers and edges share. They are made by balancers
// and replicated with the placement, but apart from it: who may read a placement
// may not read them.
type Keys struct {
	Version   uint64 `json:"version"` // of the placement in which they became so
	Tokens    KeySet `json:"tokens"`
	Datagrams KeySet `json:"datagrams"`
}

// Of returns the keys of a purpose.
func (k *Keys) Of(p Purpose) *KeySet {
	switch p {
	case ForTokens:
		return &k.Tokens
	case ForDatagrams:
		return &k.Datagrams
	}
	return nil
}

// Check walks what is always true of keys: the one that seals is there, each ID
// once, each secret whole.
func (k *Keys) Check() error {
	for _, p := range []Purpose{ForTokens, ForDatagrams} {
		set := k.Of(p)
		if len(set.Keys) == 0 {
			continue
		}
		if len(set.Keys) > MaxKeys {
			return fmt.Errorf("%w: %d keys for %s", ErrKeys, len(set.Keys), p)
		}
		if _, ok := set.Find(set.Sealing); !ok {
			return fmt.Errorf("%w: key %d for %s seals and is not there", ErrKeys, set.Sealing, p)
		}
		seen := map[uint8]bool{}
		for _, one := range set.Keys {
			if one.ID == 0 || seen[one.ID] || len(one.Secret) != KeySize {
				return fmt.Errorf("%w: key %d for %s", ErrKeys, one.ID, p)
			}
			seen[one.ID] = true
		}
	}
	return nil
}
