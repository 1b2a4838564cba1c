package multicast

import (
	"sort"
	"sync"
	"time"

	"tandem/internal/wire"
)

// Bounds of what is being put together from datagrams.
const (
	assemblyBytes = 256 << 20
	assemblyCount = 256
	assemblyIdle  = 2 * time.Second // what nobody fills from is dropped after so long without a datagram
	assemblyStep  = 16 << 10        // the filler is woken for so many bytes, not for each datagram
	maxGaps       = 64              // more than that are asked for as one
)

// span is the bytes from first up to, but not including, end.
type span struct{ first, end int64 }

// assembly is one version of an object that comes in datagrams.
type assembly struct {
	head wire.Datagram // without Body
	grew chan struct{} // one token: there is more at the front, or it is whole

	mu      sync.Mutex
	claimed bool      // somebody fills from it; guarded by mu
	body    []byte    // what is in have never changes; guarded by mu
	have    []span    // in order, never touching; guarded by mu
	told    int64     // the front when grew was given last; guarded by mu
	last    time.Time // when a datagram came; guarded by mu
	heard   bool      // one came at all; guarded by mu
}

// add puts a part in; of what is there already nothing is written again.
func (a *assembly) add(first int64, part []byte, now time.Time, datagram bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if datagram {
		a.last, a.heard = now, true
	}
	end := first + int64(len(part))
	if len(part) == 0 || end > int64(len(a.body)) {
		return
	}
	for _, g := range a.missing(first, end) {
		copy(a.body[g.first:g.end], part[g.first-first:])
	}
	a.cover(span{first, end})
	if front := a.front(0); front >= a.told+assemblyStep || front == int64(len(a.body)) {
		a.told = front
		select {
		case a.grew <- struct{}{}:
		default:
		}
	}
}

// cover notes that a span is there. Called with mu held.
func (a *assembly) cover(s span) {
	from := sort.Search(len(a.have), func(i int) bool { return a.have[i].end >= s.first })
	to := from
	for to < len(a.have) && a.have[to].first <= s.end {
		s.first, s.end = min(s.first, a.have[to].first), max(s.end, a.have[to].end)
		to++
	}
	if from == to {
		a.have = append(a.have, span{})
		copy(a.have[from+1:], a.have[from:])
		a.have[from] = s
		return
	}
	a.have[from] = s
	a.have = append(a.have[:from+1], a.have[to:]...)
}

// missing lists what is not there between two bytes. Called with mu held.
func (a *assembly) missing(first, end int64) []span {
	var gaps []span
	i := sort.Search(len(a.have), func(i int) bool { return a.have[i].end > first })
	for ; first < end; i++ {
		if i == len(a.have) || a.have[i].first >= end {
			return append(gaps, span{first, end})
		}
		if a.have[i].first > first {
			gaps = append(gaps, span{first, a.have[i].first})
		}
		first = a.have[i].end
	}
	return gaps
}

// front is the end of what is there without a gap from a byte on. Called with mu
// held.
func (a *assembly) front(from int64) int64 {
	i := sort.Search(len(a.have), func(i int) bool { return a.have[i].end > from })
	if i < len(a.have) && a.have[i].first <= from {
		return a.have[i].end
	}
	return from
}

// from is what is there without a gap from a byte on. It does not change any
// more.
func (a *assembly) from(first int64) []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.body[first:a.front(first)]
}

// gaps lists what is missing.
func (a *assembly) gaps() []span {
	a.mu.Lock()
	defer a.mu.Unlock()
	gaps := a.missing(0, int64(len(a.body)))
	if len(gaps) > maxGaps {
		gaps = []span{{gaps[0].first, gaps[len(gaps)-1].end}}
	}
	return gaps
}

// quiet is how long to wait for the next datagram until what is missing is
// asked for.
func (a *assembly) quiet(now time.Time) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	limit := quietAfter
	if !a.heard {
		limit = quietFirst
	}
	return limit - now.Sub(a.last)
}

// claim makes the caller the only one that fills from it.
func (a *assembly) claim() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	was := a.claimed
	a.claimed = true
	return !was
}

// assemblies are the objects that are coming, bounded.
type assemblies struct {
	mu    sync.Mutex
	all   map[uint64]*assembly // guarded by mu
	bytes int64                // of their bodies; guarded by mu
	room  int64                // most of bytes
}

func (s *assemblies) find(object uint64) *assembly {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all[object]
}

// begin returns the assembly of an object, which is made if there is none; nil
// when there is no room, or the one that is there is of other bytes.
func (s *assemblies) begin(head wire.Datagram, now time.Time) *assembly {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.all[head.Object]; a != nil {
		if a.head.Key != head.Key || a.head.Total != head.Total || a.head.Digest != head.Digest {
			return nil
		}
		return a
	}
	if len(s.all) >= assemblyCount || head.Total > wire.MaxDatagramObject || s.bytes+head.Total > s.room {
		return nil
	}
	head.Body = nil
	a := &assembly{head: head, grew: make(chan struct{}, 1), body: make([]byte, head.Total), last: now}
	s.all[head.Object] = a
	s.bytes += head.Total
	return a
}

// end forgets an assembly; more than once does no harm.
func (s *assemblies) end(a *assembly) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all[a.head.Object] == a {
		delete(s.all, a.head.Object)
		s.bytes -= a.head.Total
	}
}

// sweep drops what nobody fills from: the object came another way, or the fill
// failed.
func (s *assemblies) sweep(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for object, a := range s.all {
		a.mu.Lock()
		idle := !a.claimed && now.Sub(a.last) > assemblyIdle
		a.mu.Unlock()
		if idle {
			delete(s.all, object)
			s.bytes -= a.head.Total
		}
	}
}
