package control

import (
	"errors"
	"fmt"
	"syscall"
	"time"

	"tandem/internal/ring"
)

// Unfit is why a balancer should get no viewers, and what to do about it.
type Unfit struct {
	Text, Next string
	Stale      bool // its placement is old, and so is what it shows
}

func (u *Unfit) Error() string { return u.Text }

// Ready is nil, or why this balancer should get no viewers, an *Unfit. Without a majority of
// the balancers it goes on by the last placement, which serves whoever it served;
// with one that others know to be old it does not.
func (c *Control) Ready() error {
	switch health := c.node.Health(); {
	case c.node.Fresh():
		return &Unfit{Text: "its disk is empty, and it waits to be let in; its log says by whom", Next: "Start the balancers that its log names, or see its --peers and --join."}
	case health.Disk != nil:
		return &Unfit{Text: fmt.Sprintf("it can't write the placement: %v", inShort(health.Disk)), Next: "Make room on the disk of --data of " + c.cfg.Name + ", or look at it: it goes on by itself when the disk lets it."}
	case health.Starved > 0:
		return &Unfit{
			Text:  fmt.Sprintf("the leader is heard and has appended nothing for %s: its placement is old", health.Starved.Round(time.Second)),
			Next:  "Look at the network between it and the leader; if that is well, start it again.",
			Stale: true,
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
	return &Unfit{Text: "no edge is up; see the edges' --balancers", Next: "Start an edge: tandem edge --balancers URL."}
}

// inShort is a failure as the system says it, without names of files.
func inShort(err error) error {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return err
}
