package edge

import (
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"tandem/edge/fetch"
	"tandem/edge/rules"

	"github.com/go-chi/chi/v5"

	"tandem/internal/cachekey"
	"tandem/internal/call"
	"tandem/internal/h1"
	"tandem/internal/wire"
)

// internal declares the endpoints for nodes of the cluster.
func (e *Edge) internal(r chi.Router) {
	r.Use(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !e.cfg.Secret.Authorised(r) {
				http.Error(w, "closed to viewers", http.StatusForbidden)
				return
			}
			next.ServeHTTP(w, r)
		})
	})
	under := func(path string) string { return "/" + strings.TrimPrefix(path, wire.Internal) }
	r.Get(under(wire.PathPing), func(w http.ResponseWriter, _ *http.Request) {
		call.Reply(w, http.StatusOK, wire.Pong{Name: e.cfg.Name, Role: "edge", Incarnation: e.member.Incarnation()})
	})
	r.Post(under(wire.PathOpen), e.member.HandleOpen)
	r.Post(under(wire.PathClose), e.member.HandleClose)
	r.Post(under(wire.PathNotice), e.member.HandleNotice)
	r.Get(under(wire.PathObject)+"/*", e.handleObject)
	r.Put(under(wire.PathObject)+"/*", e.fetch.HandlePut)
	r.Post(under(wire.PathCopy), e.fetch.HandleCopy)
	r.Get(under(wire.PathInventory), e.member.HandleInventory)
	r.Get(under(wire.PathReport), func(w http.ResponseWriter, _ *http.Request) { call.Reply(w, http.StatusOK, e.member.Report(true)) })
	r.Get(under(wire.PathSessions), e.member.HandleSessions)
	r.Get(under(wire.PathStreams), func(w http.ResponseWriter, _ *http.Request) { call.Reply(w, http.StatusOK, e.watched()) })
	r.Post(under(wire.PathPurge), e.fetch.HandlePurge)
}

// watched lists the streams of this edge's sessions, by name.
func (e *Edge) watched() []wire.StreamLoad {
	sessions, _ := e.member.Sessions(math.MaxInt)
	slices.SortFunc(sessions, func(a, b wire.SessionInfo) int { return strings.Compare(a.Stream, b.Stream) })
	list := []wire.StreamLoad{}
	for _, s := range sessions {
		if len(list) == 0 || list[len(list)-1].Stream != s.Stream {
			list = append(list, wire.StreamLoad{Stream: s.Stream})
		}
		l := &list[len(list)-1]
		if l.Sessions++; !slices.Contains(l.Pairs, s.Pair) {
			l.Pairs = append(l.Pairs, s.Pair)
		}
	}
	return list
}

// handleObject gives an object to a neighbour, or to the origin's check.
func (e *Edge) handleObject(w http.ResponseWriter, r *http.Request) {
	x := request{slot: -1, started: e.now(), Request: fetch.Request{Node: true, Peer: true, Cached: r.Header.Get(wire.HeaderCached) == "1", Stale: r.Header.Get(wire.HeaderStale) == "1", Pass: r.Header.Get(wire.HeaderPass) == "1"}}
	var ok bool
	if x.Key, ok = cachekey.Of(strings.TrimPrefix(h1.Target(r), wire.PathObject)); !ok {
		call.Refuse(w, http.StatusBadRequest, "bad_path", "the path is too long or malformed")
		return
	}
	x.Path = cachekey.Path(x.Key)
	e.fetch.TellPurged(w.Header())
	if n, err := strconv.ParseInt(r.Header.Get(wire.HeaderSlice), 10, 40); err == nil && n >= 0 {
		x.Key = rules.SliceKey(x.Key, n)
	}
	x.Pair = fetch.PairSaid(r.Header)
	e.serve(w, r, x)
}
