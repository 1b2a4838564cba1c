package raftfsm

import (
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/raft"
)

// starvedAfter is from when on a follower counts as starved. A leader appends to
// each follower every few milliseconds, if only to tell how far commits are.
const starvedAfter = 2 * time.Second

// Health is how a replica does, as far as it can tell itself.
type Health struct {
	Disk      error         // why the disk takes nothing, nil: it does
	Starved   time.Duration // for how long a leader has been heard and nothing was appended, 0: no longer than it should be
	Followers []Follower    // of the node that leads; in the order of the names
}

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

// Health tells how this node does.
func (n *Node) Health() Health {
	h := Health{Disk: n.log.state()}
	now := n.config.Now()
	if n.IsLeader() {
		h.Followers = n.transport.progress.list(n.others(), n.raft.CommitIndex(), now)
		return h
	}
	if _, ok := n.Leader(); !ok {
		return h
	}
	if since := now.Sub(n.transport.progress.appended(now)); since > starvedAfter {
		h.Starved = since
	}
	return h
}

// others lists the names of the other nodes.
func (n *Node) others() []string {
	var names []string
	for _, s := range n.raft.GetConfiguration().Configuration().Servers {
		if string(s.ID) != n.config.Name {
			names = append(names, string(s.ID))
		}
	}
	slices.Sort(names)
	return names
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

// DiskMend is what to do about a disk that a node can't write, by what the system says of
// it; then is what the node does by itself afterwards.
func DiskMend(node, problem, then string) string {
	switch {
	case strings.Contains(problem, syscall.EROFS.Error()): // an error of the disk itself, mostly
		return "Look at the disk of --data of " + node + " (dmesg says why it is read-only), and mount it anew: it " + then + " by itself when the disk lets it."
	case strings.Contains(problem, syscall.ENOENT.Error()):
		return "The directory of --data of " + node + " was removed, or is another one now: start " + node + " again, and it gets from the others what is no longer there."
	}
	return "Make room on the disk of --data of " + node + ", or look at it: it " + then + " by itself when the disk lets it."
}
