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
	maxKnown     = 200_000          // keys
	knownFor     = time.Hour        // since a key was last used
	looseWithin  = 30 * time.Second // a viewer that asked a segment without a token so lately re-asks its entry
	sharedWithin = time.Minute      // two sessions under one key within so long are two viewers
	maxOfOneConn = 16               // streams of one connection
)

// seat is the session that a recognised viewer has.
type seat struct {
	id     wire.SessionID
	token  string
	stream string
	sid    string // the player's own name of the session, where it gave one
}

// known recognises viewers that re-ask an entry, so that they keep their
// session: by what the player calls it, and by address and user agent where that
// viewer asks segments without a token. (Connections are told apart by seats.)
type known struct {
	mu   sync.Mutex
	keys map[digest]*list.Element // of *knownKey; guarded by mu
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

type knownKey struct {
	key   digest
	seat  seat
	used  time.Time
	loose time.Time // of the last segment without a token

	shared bool // by another viewer, as far as can be seen
}

func newKnown(now func() time.Time) *known {
	return &known{keys: map[digest]*list.Element{}, used: list.New(), now: now}
}

// sidKey and looseKey are the two ways; neither can be mistaken for the other. A
// player's name of its session is a viewer's within one address: who hears it
// elsewhere gets no one else's session by it.
func sidKey(sid, address, stream string) string {
	return "s\x00" + sid + "\x00" + address + "\x00" + stream
}

func looseKey(address, agent, stream string) string {
	return "a\x00" + address + "\x00" + agent + "\x00" + stream
}

// find is the seat of a key that has not been forgotten.
func (k *known) find(key string) (seat, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	entry, ok := k.entry(key)
	if !ok {
		return seat{}, false
	}
	return entry.seat, true
}

// findLoose is the seat of a viewer that has asked segments without a token a
// moment ago.
func (k *known) findLoose(key string) (seat, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	entry, ok := k.entry(key)
	if !ok || k.now().Sub(entry.loose) > looseWithin {
		return seat{}, false
	}
	return entry.seat, true
}

// asked notes a segment without a token and gives the seat it belongs to. Where that
// may be another viewer's, who shares address and user agent, sure wants that segments
// were asked so before.
func (k *known) asked(key string, sure bool) (seat, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	entry, ok := k.entry(key)
	if !ok || sure && entry.shared && k.now().Sub(entry.loose) > looseWithin {
		return seat{}, false
	}
	entry.loose = k.now()
	return entry.seat, true
}

// entry needs mu.
func (k *known) entry(key string) (*knownKey, bool) {
	at, ok := k.keys[digestOf(key)]
	if !ok {
		return nil, false
	}
	entry := at.Value.(*knownKey)
	now := k.now()
	if now.Sub(entry.used) > knownFor {
		k.drop(at)
		return nil, false
	}
	entry.used = now
	k.used.MoveToFront(at)
	return entry, true
}

// size is how many keys there are.
func (k *known) size() int { return int(k.count.Load()) }

// put remembers a seat under a key.
func (k *known) put(text string, s seat) {
	key := digestOf(text)
	s.stream, s.sid = strings.Clone(s.stream), strings.Clone(s.sid) // of a request's head, which is not kept
	k.mu.Lock()
	defer k.mu.Unlock()
	if at, ok := k.keys[key]; ok {
		entry := at.Value.(*knownKey)
		entry.shared = entry.seat.id != s.id && k.now().Sub(entry.used) <= sharedWithin
		entry.seat, entry.used = s, k.now()
		k.used.MoveToFront(at)
		return
	}
	for len(k.keys) >= maxKnown {
		k.drop(k.used.Back())
	}
	k.keys[key] = k.used.PushFront(&knownKey{key: key, seat: s, used: k.now()})
	k.count.Store(int64(len(k.keys)))
}

// forget drops a key if it leads to that session: an edge has refused it.
func (k *known) forget(key string, id wire.SessionID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if at, ok := k.keys[digestOf(key)]; ok && at.Value.(*knownKey).seat.id == id {
		k.drop(at)
	}
}

// drop needs mu.
func (k *known) drop(at *list.Element) {
	delete(k.keys, at.Value.(*knownKey).key)
	k.used.Remove(at)
	k.count.Store(int64(len(k.keys)))
}

// seats are the sessions that were opened on one connection, by stream. Behind a
// proxy a connection carries many viewers, so it is not used then.
type seats struct {
	mu       sync.Mutex
	byStream map[string]connSeat // guarded by mu
}

type connSeat struct {
	seat  seat
	agent digest
}

// find is the seat for a stream if the same player asks: the same user agent,
// and the same session name where it gives one.
func (s *seats) find(stream, agent, sid string) (seat, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	have, ok := s.byStream[stream]
	if !ok || have.agent != digestOf(agent) || have.seat.sid != sid {
		return seat{}, false
	}
	return have.seat, true
}

func (s *seats) put(stream, agent string, one seat) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byStream == nil || len(s.byStream) >= maxOfOneConn {
		s.byStream = map[string]connSeat{}
	}
	one.stream, one.sid = strings.Clone(one.stream), strings.Clone(one.sid)
	s.byStream[one.stream] = connSeat{one, digestOf(agent)}
}

func (s *seats) forget(id wire.SessionID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for stream, have := range s.byStream {
		if have.seat.id == id {
			delete(s.byStream, stream)
		}
	}
}
