package edge

import (
	"net/http"
	"strconv"

	"tandem/internal/call"
	"tandem/internal/front"
	"tandem/internal/h1"
	"tandem/internal/rights"
	"tandem/internal/wire"
)

// grant gives a balancer a key for requests on connections that are not encrypted.
func (n Nodes) grant(w http.ResponseWriter, r *http.Request) {
	peer, named := rights.Peer(r)
	if n.e.grants == nil || !named {
		call.RefuseNode(w, http.StatusConflict, "node_media", "media goes by TLS here; see --node-media")
		return
	}
	shown := r.TLS
	given, err := n.e.grants.Give(peer.Node, func() error {
		_, err := n.e.identity.Peer(shown)
		return err
	})
	if err != nil {
		call.RefuseNode(w, http.StatusInternalServerError, "node_media", err.Error())
		return
	}
	call.Reply(w, http.StatusOK, given)
}

// Media serves the nodes' listener where media goes in clear there: requests whose heads are
// sealed, on loops. What speaks TLS is handed over (Others), all else is refused. nil: media
// goes by TLS, or where viewers are. around and before stand before what answers, as an
// access log does.
func (n Nodes) Media(around func(http.Handler) http.Handler, before func(func(*front.Loop) front.Quick) func(*front.Loop) front.Quick) *front.Server {
	if n.e.grants == nil || n.e.cfg.NodeListen == "" {
		return nil
	}
	closed := n.closed()
	return serverOf(n.e, around(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !misdirected(n.e, w, r) {
			closed.ServeHTTP(w, r)
		}
	})), before(func(l *front.Loop) front.Quick { return sealedOnly{&quick{e: n.e, l: l}} }), n.e.nodes)
}

// sealedOnly leaves what is not sealed to the Handler.
type sealedOnly struct{ *quick }

// Serve is a front.Quick's.
func (q sealedOnly) Serve(c *front.Conn, h *h1.Request) bool {
	return h.Target == wire.PathSealed && q.sealed(c, h)
}

// sealed answers a request of which a balancer has sealed the head, where that is a copy
// that is whole and here and no manifest, which may name the session: everything else has
// to be asked for by TLS, where nobody listens. What opens nothing is left to the Handler,
// which refuses strangers.
func (q *quick) sealed(c *front.Conn, h *h1.Request) bool {
	head, answer, err := q.e.grants.Open(h.Get(wire.HeaderSealed))
	if err != nil || h.Method != http.MethodGet {
		return false
	}
	q.seal = &answer
	defer func() { q.seal = nil }()
	if n, err := q.inner.Parse(head, h1.Behind); err == nil && n == len(head) && q.inner.Method == http.MethodGet && !q.inner.Bodied() && q.serve(c, &q.inner, true) {
		return true
	}
	return c.Respond(append(q.l.AppendDate(front.AppendStatus(q.l.Scratch(), http.StatusMisdirectedRequest)), "Content-Length: 0\r\n"...), front.Body{})
}

// misdirected answers a sealed request that no loop has seen, where an access log wants
// every request: it has to be asked for by TLS.
func misdirected(e *Edge, w http.ResponseWriter, r *http.Request) bool {
	if e.grants == nil || r.Method != http.MethodGet || r.URL.Path != wire.PathSealed || !e.grants.Proves(r.Header.Get(wire.HeaderSealed)) {
		return false
	}
	w.WriteHeader(http.StatusMisdirectedRequest)
	return true
}

// sealHead is the head that carries a sealed one, and says how long the body is.
func (q *quick) sealHead(head []byte, length int64) []byte {
	q.plain = append(append(q.plain[:0], head...), "\r\n"...)
	out := append(front.AppendStatus(q.l.Scratch(), http.StatusOK), wire.HeaderSealed+": "...)
	out = append(append(q.seal.Append(out, q.plain), "\r\nContent-Length: "...), strconv.FormatInt(length, 10)...)
	return append(out, "\r\n"...)
}
