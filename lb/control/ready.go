package control

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"syscall"
	"time"

	"tandem/internal/ring"
	"tandem/raftfsm"
)

// Unfit is why a balancer should get no viewers, and what to do about it.
type Unfit struct {
	Text, Next string
	Stale      bool // its placement is old, and so is what it shows
}

// NoEdgeUp is the text of the Unfit of a balancer whose edges are all down, or taken out.
const NoEdgeUp = "no edge is up"

func (u *Unfit) Error() string { return u.Text }

// Advice is what to do about it, for operators.
func (u *Unfit) Advice() string { return u.Next }

// Ready is nil, or why this balancer should get no viewers, an *Unfit. Without a majority of
// the balancers it goes on by the last placement, which serves whoever it served;
// with one that others know to be old it does not.
func (c *Control) Ready() error {
	leader, unheard, out := c.peers.misses(c.deps.Now())
	switch health := c.node.Health(); {
	case c.node.Fresh():
		return &Unfit{Text: "its disk is empty, and it waits to be let in; its log says by whom", Next: "Start the balancers that its log names, or see its --peers and --join."}
	case c.node.Overtaken():
		return &Unfit{
			Text:  "the cluster was recovered without it (tandem cluster recover): its disk is of before",
			Next:  "Stop " + c.cfg.Name + ", empty its --data, and start it: the others let it in anew.",
			Stale: true,
		}
	case health.Disk != nil:
		return unwritable(c.cfg.Name, health.Disk)
	case health.Starved > 0:
		return &Unfit{
			Text:  fmt.Sprintf("the leader is heard and has appended nothing for %s: its placement is old", health.Starved.Round(time.Second)),
			Next:  "Look at the network between it and the leader; if that is well, start it again.",
			Stale: true,
		}
	case c.Misfits.shutOut(c.node.Placement(), c.cfg.Name):
		return shutOut(c.cfg.Name)
	case takenOut(c, unheard, out):
		return &Unfit{
			Text:  "it was taken out of the cluster (tandem cluster remove-balancer): its placement is old, or soon will be",
			Next:  "Stop it; to have it back: an empty --data and --join.",
			Stale: true,
		}
	case unheard:
		at := c.node.RaftAddr()
		return &Unfit{
			Text:  fmt.Sprintf("%s leads the others and does not reach this one for Raft at %s: its placement is old, or soon will be", leader, at),
			Next:  "Look at its raft-listen and raft-advertise, its line in peers, and the network to " + at + "; if it was taken out, give it an empty --data and --join.",
			Stale: true,
		}
	case c.peers.isMissed(c.deps.Now()):
		at := c.self().HTTP
		return &Unfit{
			Text: "none of the others reaches it at " + at + ", and no edge will",
			Next: "Look at its listen, node-listen and advertise, its line in peers, and the network to " + at + ".",
		}
	case c.peers.isStale(c.deps.Now()):
		return &Unfit{
			Text:  "its placement is older than the others': it is cut off from them, or was taken out",
			Next:  "Look at its network; if it was taken out, give it an empty --data and --join.",
			Stale: true,
		}
	}
	p := c.node.Placement()
	for _, e := range p.Edges {
		if ring.Delivers(e.State) {
			return nil
		}
	}
	if _, ok := c.node.Leader(); !ok && len(p.Edges) == 0 {
		return &Unfit{Text: "nobody leads the balancers; see --peers", Next: "Start the other balancers; see --peers."}
	}
	if len(p.Edges) > 0 {
		return &Unfit{Text: NoEdgeUp, Next: "Bring the edges back; tandem status says what each lacks."}
	}
	return &Unfit{Text: "no edge has come; see the edges' --balancers", Next: "Start an edge: tandem edge --balancers URL."}
}

// takenOut tells whether this balancer is one of the cluster's no more: by its own log, which has its
// end a moment after the order, or, where that never came, by those whom it hears no longer.
func takenOut(c *Control, unheard, out bool) bool {
	listed, known := c.node.Stored() != "", c.Knows(c.cfg.Name)
	if known && !listed {
		return true
	}
	return unheard && (out && known || !listed) // by what is committed, there or here, not by a placement of before it came
}

// unwritable is of a balancer whose disk takes nothing, or is not the one that was opened.
func unwritable(name string, why error) *Unfit {
	if errors.Is(why, fs.ErrNotExist) {
		return &Unfit{
			Text: "its --data was removed, or is another one now: what it writes is lost with the process",
			Next: "tandem cluster backup FILE, then start " + name + " again: the others let it in anew; one alone is given the backup (tandem cluster restore).",
		}
	}
	return &Unfit{Text: fmt.Sprintf("it can't write the placement: %v", inShort(why)), Next: raftfsm.DiskMend(name, inShort(why).Error(), "goes on")}
}

// lameDuck has viewers go elsewhere once this balancer was taken out, by the word of who leads
// the others as well: what is only in its log may be taken back.
func lameDuck(c *Control) {
	_, unheard, out := c.peers.misses(c.deps.Now())
	if out && takenOut(c, unheard, out) {
		c.ducked.Do(func() {
			c.deps.Logger.Warn().Msg("this balancer was taken out of the cluster: not ready any more, still open; stop it")
			c.deps.TakenOut()
		})
	}
}

// shutOut is of a balancer that most of the nodes refuse.
func shutOut(name string) *Unfit {
	return &Unfit{
		Text:  "the others refuse what it shows: its certificate was revoked or has expired, or its secret is another one",
		Next:  fmt.Sprintf("If it was to be shut out: stop it. Else join it anew: tandem ticket balancer %s --address HOST, and on it tandem join TICKET --identity DIR.", name),
		Stale: true,
	}
}

// Stale tells that what a balancer knows of the cluster is of before, its keys too.
func Stale(c *Control) bool {
	var unfit *Unfit
	return errors.As(c.Ready(), &unfit) && unfit.Stale
}

// inShort is a failure as the system says it, without names of files.
func inShort(err error) error {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno
	}
	var silent net.Error
	if errors.As(err, &silent) && silent.Timeout() {
		return errors.New("no answer")
	}
	return err
}
