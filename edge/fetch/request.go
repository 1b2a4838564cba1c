package fetch

import (
	"net/http"

	"tandem/internal/wire"
)

// Request is one request for an object.
type Request struct {
	Key    string
	Path   string
	Pair   wire.PairID
	Node   bool // a node of the cluster asks
	Peer   bool // a neighbour asks, for its own store
	Cached bool // answer from a complete copy or not at all
}

// fetchRequest is what is to be filled, and for whom.
type fetchRequest struct {
	key      string
	pair     wire.PairID
	fromPeer bool         // a neighbour asks, so only the origin is asked in turn
	asker    http.Header  // the viewer's fields that go along; nil: none do
	loop     []string     // the CDN-Loop that it came with
	hand     *passThrough // where an answer goes that is not for the store; nil: nowhere
}
