package lb

import (
	"container/list"
	"crypto/sha256"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tandem/internal/wire"
)

// Bounds of what is remembered of viewers.
const (
	maxRemembered   = 200_000          // keys
	rememberedFor   = time.Hour        // since a key was last used
	tokenlessWithin = 30 * time.Second // a viewer that asked a segment without a token so lately re-asks its entry
	sharedWithin    = time.Minute      // two sessions under one key within so long are two viewers
	maxOfOneConn    = 16               // streams of one connection
)

// binding is the session that a recognised viewer has.
type binding struct {
	id     wire.SessionID
	token  string
	stream string
	sid    string // the player's own name of the session, where it gave one
}

// clientTable recognises viewers that re-ask an entry, so that they keep their
// session: by what the player calls it, and by address and user agent where that
// viewer asks segments without a token. (Connections are told apart by bindings.)
type clientTable struct {
	mu   sync.Mutex
	keys map[digest]*list.Element // of *remembered; guarded by mu
	used *list.List               // the latest first; guarded by mu
	now  func() time.Time

	count atomic.Int64 // of keys; stored under mu
}

// digest is a key as it is kept: what a client sends is of any length, and what is
// remembered of it is not.
type digest [16]byte

func digestOf(text string) digest {
	sum := sha256.Sum256([]byte(text))
	return digest(sum[:16])
}

type remembered struct {
	key       digest
	binding   binding
	used      time.Time
	tokenless time.Time // of the last segment without a token

	shared bool // by another viewer, as far as can be seen
}

func newClientTable(now func() time.Time) *clientTable {
	return &clientTable{keys: map[digest]*list.Element{}, used: list.New(), now: now}
}

// sidKey and tokenlessKey are the two ways; neither can be mistaken for the other. A
// player's name of its session is a viewer's within one address: who hears it
// elsewhere gets no one else's session by it.
func sidKey(sid, address, stream string) string {
	return "s\x00" + sid + "\x00" + address + "\x00" + stream
}

func tokenlessKey(address, agent, stream string) string {
	return "a\x00" + address + "\x00" + agent + "\x00" + stream
}

// find is the binding of a key that has not been forgotten.
func (k *clientTable) find(key string) (binding, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	entry, ok := k.entry(key)
	if !ok {
		return binding{}, false
	}
	return entry.binding, true
}

// findTokenless is the binding of a viewer that has asked segments without a token a
// moment ago.
func (k *clientTable) findTokenless(key string) (binding, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	entry, ok := k.entry(key)
	if !ok || k.now().Sub(entry.tokenless) > tokenlessWithin {
		return binding{}, false
	}
	return entry.binding, true
}

// asked notes a segment without a token and gives the binding it belongs to. Where that
// may be another viewer's, who shares address and user agent, sure wants that segments
// were asked so before.
func (k *clientTable) asked(key string, sure bool) (binding, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	entry, ok := k.entry(key)
	if !ok || sure && entry.shared && k.now().Sub(entry.tokenless) > tokenlessWithin {
		return binding{}, false
	}
	entry.tokenless = k.now()
	return entry.binding, true
}

// entry needs mu.
func (k *clientTable) entry(key string) (*remembered, bool) {
	at, ok := k.keys[digestOf(key)]
	if !ok {
		return nil, false
	}
	entry := at.Value.(*remembered)
	now := k.now()
	if now.Sub(entry.used) > rememberedFor {
		k.drop(at)
		return nil, false
	}
	entry.used = now
	k.used.MoveToFront(at)
	return entry, true
}

// size is how many keys there are.
func (k *clientTable) size() int { return int(k.count.Load()) }

// put remembers a binding under a key.
func (k *clientTable) put(text string, s binding) {
	key := digestOf(text)
	s.stream, s.sid = strings.Clone(s.stream), strings.Clone(s.sid) // of a request's head, which is not kept
	k.mu.Lock()
	defer k.mu.Unlock()
	if at, ok := k.keys[key]; ok {
		entry := at.Value.(*remembered)
		entry.shared = entry.binding.id != s.id && k.now().Sub(entry.used) <= sharedWithin
		entry.binding, entry.used = s, k.now()
		k.used.MoveToFront(at)
		return
	}
	for len(k.keys) >= maxRemembered {
		k.drop(k.used.Back())
	}
	k.keys[key] = k.used.PushFront(&remembered{key: key, binding: s, used: k.now()})
	k.count.Store(int64(len(k.keys)))
}

// forget drops a key if it leads to that session: an edge has refused it.
func (k *clientTable) forget(key string, id wire.SessionID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if at, ok := k.keys[digestOf(key)]; ok && at.Value.(*remembered).binding.id == id {
		k.drop(at)
	}
}

// drop needs mu.
func (k *clientTable) drop(at *list.Element) {
	delete(k.keys, at.Value.(*remembered).key)
	k.used.Remove(at)
	k.count.Store(int64(len(k.keys)))
}

// bindings are the sessions that were opened on one connection, by stream. Behind a
// proxy a connection carries many viewers, so it is not used then.
type bindings struct {
	mu       sync.Mutex
	byStream map[string]connBinding // guarded by mu
}

type connBinding struct {
	binding binding
	agent   digest
}

// find is the binding for a stream if the same player asks: the same user agent,
// and the same session name where it gives one.
func (s *bindings) find(stream, agent, sid string) (binding, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	have, ok := s.byStream[stream]
	if !ok || have.agent != digestOf(agent) || have.binding.sid != sid {
		return binding{}, false
	}
	return have.binding, true
}

func (s *bindings) put(stream, agent string, one binding) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byStream == nil || len(s.byStream) >= maxOfOneConn {
		s.byStream = map[string]connBinding{}
	}
	one.stream, one.sid = strings.Clone(one.stream), strings.Clone(one.sid)
	s.byStream[one.stream] = connBinding{one, digestOf(agent)}
}

func (s *bindings) forget(id wire.SessionID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for stream, have := range s.byStream {
		if have.binding.id == id {
			delete(s.byStream, stream)
		}
	}
}
