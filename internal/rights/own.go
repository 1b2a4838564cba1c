package rights

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"tandem/internal/identity"
	"tandem/internal/ring"
	"tandem/internal/wire"
)

// ErrOwn is for what a node says that is not its own to say.
var ErrOwn = errors.New("not its own")

// asked is a request that is judged.
type asked struct {
	peer      identity.Peer
	self      string // the node that is asked
	r         *http.Request
	body      []byte
	placement func() *wire.Placement
}

// is tells whether the peer speaks for itself.
func (a *asked) is(name string) error {
	if name != a.peer.Node {
		return fmt.Errorf("%w: %s speaks for %q", ErrOwn, a.peer.Node, name)
	}
	return nil
}

// What the peer goes by may be a version that this node has not heard of yet.
const (
	waitMost = 300 * time.Millisecond
	again    = 25 * time.Millisecond
)

// holds tells whether a pair is the peer's as well: as its member, also as one that is down
// and ends what it has in flight, or as one of those whose it is.
func (a *asked) holds(id wire.PairID, whose func(*wire.Placement, *wire.Pair) []string) error {
	return a.hold(id, whose, a.peer.Node)
}

// between tells whether a pair is the peer's, and that of who is asked: what is put into a
// store is for the pair that both hold, so that an edge that was stolen reaches its
// neighbours' stores and no other one.
func (a *asked) between(id wire.PairID) error {
	return a.hold(id, ring.Watchers, a.peer.Node, a.self)
}

func (a *asked) hold(id wire.PairID, whose func(*wire.Placement, *wire.Pair) []string, nodes ...string) error {
	limit, tick := time.NewTimer(waitMost), time.NewTicker(again)
	defer limit.Stop()
	defer tick.Stop()
	for {
		p := a.placement()
		other := nodes[0]
		if pair, ok := p.Pair(id); ok {
			of := append(whose(p, pair), pair.Low, pair.High)
			at := slices.IndexFunc(nodes, func(node string) bool { return !slices.Contains(of, node) })
			if at < 0 {
				return nil
			}
			other = nodes[at]
		}
		select {
		case <-tick.C:
			continue
		case <-limit.C:
		case <-a.r.Context().Done():
		}
		return fmt.Errorf("%w: pair %d is none of %s's", ErrOwn, id, other)
	}
}

// reached tells whether the peer's certificate names the host of an address, which
// may be empty.
func (a *asked) reached(address string) error {
	if address == "" {
		return nil
	}
	host, _, err := net.SplitHostPort(address)
	if u, bad := url.Parse(address); err != nil && bad == nil {
		host = u.Hostname()
	} else if bad == nil && u.Host != "" {
		host = u.Hostname()
	}
	return a.peer.At(host)
}

func (a *asked) reachedAll(addresses ...string) error {
	for _, address := range addresses {
		if err := a.reached(address); err != nil {
			return err
		}
	}
	return nil
}

// read reads what Own looks at of a body; the handler reads it again, and says what
// is wrong with one that is malformed.
func read[T any](a *asked) (said T, err error) {
	if err = json.Unmarshal(a.body, &said); err != nil {
		err = fmt.Errorf("%w: the body is malformed", ErrOwn)
	}
	return said, err
}

func ownState(a *asked) error {
	said, err := read[struct{ Edge string }](a)
	if err == nil {
		err = a.is(said.Edge)
	}
	return err
}

func ownSuspicion(a *asked) error {
	said, err := read[struct{ By string }](a)
	if err == nil {
		err = a.is(said.By)
	}
	return err
}

func ownRegistration(a *asked) error {
	said, err := read[wire.Register](a)
	if err == nil {
		err = a.is(said.Edge.Name)
	}
	if err == nil {
		err = a.reachedAll(said.Edge.HTTP, said.Edge.Admin)
	}
	return err
}

func ownMembership(a *asked) error {
	said, err := read[wire.Join](a)
	if err == nil {
		err = a.is(said.Name)
	}
	if err == nil {
		err = a.reachedAll(said.HTTP, said.Admin, said.Raft)
	}
	return err
}

func ownNotice(a *asked) error {
	n, err := wire.DecodeNotice(a.body)
	if err != nil {
		return fmt.Errorf("%w: the notice is malformed", ErrOwn)
	}
	if err := a.is(n.Edge); err != nil {
		return err
	}
	return a.holds(n.Pair, ring.Told)
}

func ownHint(a *asked) error {
	said, err := read[wire.CopyHint](a)
	if err == nil {
		err = a.is(said.From)
	}
	if err == nil {
		err = a.between(said.Pair)
	}
	return err
}

func ownInventory(a *asked) error {
	id, err := strconv.ParseUint(a.r.URL.Query().Get("pair"), 10, 32)
	if err != nil {
		return fmt.Errorf("%w: no pair is named", ErrOwn)
	}
	return a.holds(wire.PairID(id), ring.Watchers)
}

// ownObject: what the origin gives goes where a pair's member has asked it to.
func ownObject(a *asked) error {
	if a.peer.Role == identity.Origin {
		return nil
	}
	id, err := strconv.ParseUint(a.r.Header.Get(wire.HeaderPair), 10, 32)
	if err != nil {
		return fmt.Errorf("%w: no pair is named", ErrOwn)
	}
	return a.between(wire.PairID(id))
}
