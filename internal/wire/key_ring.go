package wire

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"hash"
	"sync"
	"sync/atomic"
	"time"
)

// KeyRing seals and opens tokens with the keys that are good now. The zero value
// holds none. It is safe for many goroutines; it must not be copied.
type KeyRing struct {
	now     atomic.Pointer[ringKeys] // nil: none; never changed
	taking  sync.Mutex
	changed chan struct{} // guarded by taking; closed by Take; nil: nobody waits
}

// ringKeys are keys, ready for use.
type ringKeys struct {
	keys    Keys
	sealing uint8
	tokens  [256]*macKey // by ID
}

// macKey is a key with the memory that its use takes.
type macKey struct{ macs sync.Pool }

func newMACKey(secret []byte) *macKey {
	return &macKey{sync.Pool{New: func() any { return hmac.New(sha256.New, secret) }}}
}

// sum appends the first macSize bytes of the MAC of b to to.
func (k *macKey) sum(to, b []byte) []byte {
	mac := k.macs.Get().(hash.Hash)
	mac.Reset()
	mac.Write(b)
	n := len(to)
	to = mac.Sum(to)
	k.macs.Put(mac)
	return to[:n+macSize]
}

// Take makes keys those of the ring, unless it has them or newer ones.
func (r *KeyRing) Take(k Keys) {
	r.taking.Lock()
	defer r.taking.Unlock()
	old := r.now.Load()
	if old != nil && old.keys.Version >= k.Version {
		return
	}
	next := &ringKeys{keys: k, sealing: k.Tokens.Sealing}
	for _, one := range k.Tokens.Keys {
		next.tokens[one.ID] = newMACKey(one.Secret)
	}
	r.now.Store(next)
	if r.changed != nil {
		close(r.changed)
		r.changed = nil
	}
}

// Forget empties the ring, for the keys of another cluster.
func (r *KeyRing) Forget() {
	r.taking.Lock()
	defer r.taking.Unlock()
	r.now.Store(nil)
}

// Changed is closed at the next Take. Get it before looking, and nothing is
// missed.
func (r *KeyRing) Changed() <-chan struct{} {
	r.taking.Lock()
	defer r.taking.Unlock()
	if r.changed == nil {
		r.changed = make(chan struct{})
	}
	return r.changed
}

// Version is that of the keys, 0 when there are none.
func (r *KeyRing) Version() uint64 {
	if now := r.now.Load(); now != nil {
		return now.keys.Version
	}
	return 0
}

// Keys are the keys of the ring. They are never changed.
func (r *KeyRing) Keys() Keys {
	if now := r.now.Load(); now != nil {
		return now.keys
	}
	return Keys{}
}

// Seal writes a token. False: there is no key yet, or no room for such a slot.
func (r *KeyRing) Seal(t Token) (string, bool) {
	now := r.now.Load()
	if now == nil || now.tokens[now.sealing] == nil || t.Slot < 0 || t.Slot > maxTokenSlot {
		return "", false
	}
	b := t.append(make([]byte, 0, tokenBody+sha256.Size), now.sealing)
	return base64.RawURLEncoding.EncodeToString(now.tokens[now.sealing].sum(b, b)), true
}

// Verify reads a token without allocating. With ErrTokenExpired the token is
// returned as well: it was one of ours. ErrTokenKey: it may be sealed with a key
// that is on its way here.
func (r *KeyRing) Verify(text string, at time.Time) (Token, error) {
	if len(text) != TokenLength {
		return Token{}, ErrTokenForm
	}
	buffer := tokenBuffers.Get().(*tokenBuffer)
	defer tokenBuffers.Put(buffer)
	copy(buffer.text[:], text)
	if !decodeToken(buffer.raw[:], buffer.text[:]) {
		return Token{}, ErrTokenForm
	}
	b := buffer.raw[:tokenSize]
	now := r.now.Load()
	if now == nil || now.tokens[b[1]] == nil {
		return Token{}, ErrTokenKey
	}
	if subtle.ConstantTimeCompare(now.tokens[b[1]].sum(buffer.mac[:0], b[:tokenBody]), b[tokenBody:]) != 1 {
		return Token{}, ErrTokenForeign
	}
	t := readToken(b)
	if t.expired(at) {
		return t, ErrTokenExpired
	}
	return t, nil
}
