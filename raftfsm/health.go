package raftfsm

import (
	"strings"
	"syscall"
	"time"

	"tandem/raftfsm/transport"
)

// starvedAfter is from when on a follower counts as starved. A leader appends to
// each follower every few milliseconds, if only to tell how far commits are.
const starvedAfter = 2 * time.Second

// Health is how a replica does, as far as it can tell itself.
type Health struct {
	Disk      error                // why the disk takes nothing, nil: it does
	Starved   time.Duration        // for how long a leader has been heard and nothing was appended, 0: no longer than it should be
	Followers []transport.Follower // of the node that leads; in the order of the names
}

// Health tells how this node does.
func (n *Node) Health() Health { return n.healthAt(n.config.Now()) }

func (n *Node) healthAt(now time.Time) Health {
	h := Health{Disk: n.disk.state()}
	if n.IsLeader() {
		h.Followers = n.transport.Followers(n.others(), n.raft.CommitIndex(), now)
		return h
	}
	if _, ok := n.Leader(); !ok {
		return h
	}
	if since := now.Sub(n.transport.Appended(now)); since > starvedAfter {
		h.Starved = since
	}
	return h
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

// EndUntrusted ends connections of balancers whose certificates count no longer.
func (n *Node) EndUntrusted() { n.transport.EndUntrusted() }

// Heard notes where another node says that it is reached, and where it listens if that is
// not the same and the network may not lead there; "": it is. Only members are looked for,
// so what anybody else says changes nothing.
func (n *Node) Heard(name, addr, also string) { n.transport.Heard(name, addr, also) }
