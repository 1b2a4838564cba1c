package sim

import (
	"math/rand/v2"

	"tandem/internal/wire"
)

// session is one viewer of one stream. opened is the virtual time at which it
// began: every opening has its own, so it also names the session for good.
type session struct {
	opened int64
	stream int32
	slot   int32       // in its table; for policy roundrobin the place in its edge's list
	pair   wire.PairID // for policy roundrobin the edge's number
}

// ticket is a session as its stream's queue knows it. When the session ends
// otherwise than by the queue, the ticket goes stale and is skipped.
type ticket struct {
	id     int32
	opened int64
}

// sessionList is all sessions, by number and by stream.
type sessionList struct {
	now      int64 // virtual clock: counts openings
	sessions []session
	free     []int32
	streams  []streamSessions
	number   map[string]int32
	names    []string
	open     int
}

type streamSessions struct {
	queue []ticket // oldest first
	open  int
}

func newSessionList() *sessionList { return &sessionList{number: map[string]int32{}} }

// stream is the number of a stream, a new one if it has none yet.
func (a *sessionList) stream(name string) int32 {
	n, ok := a.number[name]
	if !ok {
		n = int32(len(a.names))
		a.number[name] = n
		a.names = append(a.names, name)
		a.streams = append(a.streams, streamSessions{})
	}
	return n
}

// begin opens a session and gives its number.
func (a *sessionList) begin(stream int32, pair wire.PairID, slot int) int32 {
	a.now++
	s := session{opened: a.now, stream: stream, pair: pair, slot: int32(slot)}
	id := int32(len(a.sessions))
	if n := len(a.free); n > 0 {
		id = a.free[n-1]
		a.free = a.free[:n-1]
		a.sessions[id] = s
	} else {
		a.sessions = append(a.sessions, s)
	}
	of := &a.streams[stream]
	if len(of.queue) > 2*of.open+64 {
		of.queue = a.fresh(of.queue)
	}
	of.queue = append(of.queue, ticket{id: id, opened: s.opened})
	of.open++
	a.open++
	return id
}

// end closes a session. Its table is the caller's matter.
func (a *sessionList) end(id int32) {
	s := &a.sessions[id]
	a.streams[s.stream].open--
	a.open--
	s.opened = 0
	a.free = append(a.free, id)
}

// oldest is the session of a stream that has been open longest.
func (a *sessionList) oldest(stream int32) (id int32, ok bool) {
	of := &a.streams[stream]
	for len(of.queue) > 0 {
		t := of.queue[0]
		if a.sessions[t.id].opened == t.opened {
			return t.id, true
		}
		of.queue = of.queue[1:]
	}
	return 0, false
}

// fresh is a queue without its stale tickets.
func (a *sessionList) fresh(queue []ticket) []ticket {
	var kept []ticket
	for _, t := range queue {
		if a.sessions[t.id].opened == t.opened {
			kept = append(kept, t)
		}
	}
	return kept
}

// someStream draws a stream; for a closing one that has an open session.
func (a *sessionList) someStream(chance *rand.Rand, open bool) (name string, ok bool) {
	if len(a.names) == 0 {
		return tablesStream, !open
	}
	start := chance.IntN(len(a.names))
	for i := range a.names {
		n := (start + i) % len(a.names)
		if !open || a.streams[n].open > 0 {
			return a.names[n], true
		}
	}
	return "", false
}
