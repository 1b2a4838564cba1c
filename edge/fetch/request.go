package fetch

import (
	"net/http"
	"strconv"

	"tandem/edge/rules"
	"tandem/internal/wire"
)

// Request is one request for an object.
type Request struct {
	Key    string
	Path   string
	Pair   wire.PairID
	Stream string // of the session; "": the path says it
	Node   bool   // a node of the cluster asks
	Peer   bool   // a neighbour asks, for its own store
	Cached bool   // answer from a complete copy or not at all
	Stale  bool   // with Cached: one that is no longer fresh will do
	Whole  bool   // no part of it will do
	Pass   bool   // a neighbour hands on to its viewer what is not for the store

	asks rules.Asks
}

// fetchRequest is what is to be filled, and for whom.
type fetchRequest struct {
	key      string
	pair     wire.PairID
	stream   string       // of the session it is for; "": the path says it
	fromPeer bool         // a neighbour asks, so only the origin is asked in turn
	asker    http.Header  // the viewer's request; nil: nobody asks
	stale    bool         // of a neighbour: a copy that is no longer fresh will do
	plainly  bool         // its odd fields stay behind (rules.ForAll)
	loop     []string     // the CDN-Loop that it came with
	hand     *passThrough // where an answer goes that is not for the store; nil: nowhere
}

// PairSaid is the pair that a node of the cluster says a request is about; 0: none.
func PairSaid(h rules.Fields) wire.PairID {
	n, err := strconv.ParseUint(h.Get(wire.HeaderPair), 10, 32)
	if err != nil {
		return 0
	}
	return wire.PairID(n)
}
