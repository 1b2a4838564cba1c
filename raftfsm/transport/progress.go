package transport

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// Follower is how far one other node is, as the leader knows.
type Follower struct {
	Name   string
	Behind uint64        // entries that are committed and that it is not known to hold
	Late   time.Duration // for how long it has lacked any
	Proved bool          // it has answered an append, since this node leads or it was taken in
	Missed *Missed       // why it can't be reached; nil: it can, or nobody knows
}

// Missed is a follower that the leader calls in vain.
type Missed struct {
	At    string // where it is called
	Err   error
	Since time.Time
}

// progress is what this node has seen of appends: of those it sends, what each
// follower has taken, and of those it is sent, when the last one was.
type progress struct {
	now func() time.Time

	mu    sync.Mutex
	match map[raft.ServerID]matched // guarded by mu
	lost  map[raft.ServerID]Missed  // guarded by mu; of those who answered nothing last
	last  time.Time                 // guarded by mu; when an append reached this node, zero: none yet
}

// matched is the last entry that a follower has said it holds, and when it last
// held all that was committed.
type matched struct {
	index  uint64
	caught time.Time
}

func newProgress(now func() time.Time) *progress {
	return &progress{now: now, match: map[raft.ServerID]matched{}, lost: map[raft.ServerID]Missed{}}
}

// Forget is for a follower that begins anew.
func (t *Transport) Forget(id raft.ServerID) { t.progress.forget(id) }

// Followers tells how far those of the given names, in order, are behind what is committed.
func (t *Transport) Followers(names []string, commit uint64, now time.Time) []Follower {
	return t.progress.list(names, commit, now)
}

// Appended is when an append has last reached this node; one that has been appended
// nothing yet is given time from the first question on.
func (t *Transport) Appended(now time.Time) time.Time { return t.progress.appended(now) }

// taken notes that a follower has an append.
func (p *progress) taken(id raft.ServerID, a *raft.AppendEntriesRequest) {
	index := a.PrevLogEntry
	if n := len(a.Entries); n > 0 {
		index = a.Entries[n-1].Index
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.match[id]
	m.index = index
	if index >= a.LeaderCommitIndex {
		m.caught = p.now()
	}
	p.match[id] = m
}

// called notes how a call of a follower went, at that address.
func (p *progress) called(id raft.ServerID, at string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil {
		delete(p.lost, id)
		return
	}
	m, known := p.lost[id]
	if !known {
		m.Since = p.now()
	}
	m.At, m.Err = at, err
	p.lost[id] = m
}

// forget is for a follower that begins anew.
func (p *progress) forget(id raft.ServerID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.match, id)
}

// reached notes that an append has reached this node.
func (p *progress) reached() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = p.now()
}

// appended is when that was last; a node that has been appended nothing yet is
// given time from the first question on.
func (p *progress) appended(now time.Time) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.last.IsZero() {
		p.last = now
	}
	return p.last
}

func (p *progress) list(names []string, commit uint64, now time.Time) []Follower {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := make([]Follower, 0, len(names))
	for _, name := range names {
		m, ok := p.match[raft.ServerID(name)]
		if !ok { // this node leads since a moment ago, or the other one has never answered
			m.caught = now
			p.match[raft.ServerID(name)] = m
		}
		f := Follower{Name: name, Proved: ok && m.index > 0}
		if m.index < commit {
			f.Behind, f.Late = commit-m.index, now.Sub(m.caught)
		}
		if m, ok := p.lost[raft.ServerID(name)]; ok {
			f.Missed = &m
		}
		list = append(list, f)
	}
	for id := range p.match {
		if _, ok := slices.BinarySearchFunc(names, string(id), strings.Compare); !ok {
			delete(p.match, id)
		}
	}
	for id := range p.lost {
		if _, ok := slices.BinarySearchFunc(names, string(id), strings.Compare); !ok {
			delete(p.lost, id)
		}
	}
	return list
}
