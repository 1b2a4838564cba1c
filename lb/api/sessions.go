package api

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"

	"tandem/internal/call"
	"tandem/internal/ring"
	"tandem/internal/wire"
)

// Bounds of a list of sessions.
const (
	listSessions = 100
	maxSessions  = 100_000
	listLimit    = 2 * time.Second
)

func (a *API) handleSessions(w http.ResponseWriter, r *http.Request) {
	if limit, ok := limitOf(w, r, listSessions, 1_000_000); ok {
		call.Reply(w, http.StatusOK, a.sessions(r.Context(), a.deps.Node.Placement(), min(limit, maxSessions)))
	}
}

// sessions asks every edge for what it delivers. While a boundary moves two
// edges can both name a session: the one that delivers it by the placement is
// believed.
func (a *API) sessions(ctx context.Context, p *wire.Placement, limit int) wire.SessionList {
	ctx, cancel := context.WithTimeout(ctx, listLimit)
	defer cancel()
	var mu sync.Mutex
	var under sync.WaitGroup
	found := map[wire.SessionID]wire.SessionInfo{}
	total, twice := 0, 0
	for _, e := range p.Edges {
		if !ring.HasCopy(e.State) {
			continue
		}
		under.Go(func() {
			var list wire.SessionList
			if a.deps.Call.Ask(ctx, http.MethodGet, e.HTTP+wire.PathSessions+"?limit="+strconv.Itoa(limit), nil, &list) != nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			total += list.Total
			for _, s := range list.Sessions {
				if _, ok := found[s.SessionID]; ok {
					twice++
					if q, ok := p.Pair(s.Pair); !ok || ring.Owner(p, q, s.Slot) != e.Name {
						continue
					}
				}
				found[s.SessionID] = s
			}
		})
	}
	under.Wait()
	out := wire.SessionList{Total: total - twice, Sessions: make([]wire.SessionInfo, 0, len(found))}
	for _, s := range found {
		out.Sessions = append(out.Sessions, s)
	}
	slices.SortFunc(out.Sessions, func(a, b wire.SessionInfo) int {
		switch {
		case a.Pair != b.Pair:
			return int(a.Pair) - int(b.Pair)
		case a.Slot != b.Slot:
			return a.Slot - b.Slot
		default:
			return strings.Compare(a.Edge, b.Edge)
		}
	})
	out.Sessions = out.Sessions[:min(limit, len(out.Sessions))]
	return out
}

// handleEndSession ends one session at the edge that delivers it: while a boundary moves
// that may still be the other member, and for a moment neither of them.
func (a *API) handleEndSession(w http.ResponseWriter, r *http.Request) {
	id, ok := sessionOf(chi.URLParam(r, "session"))
	if !ok {
		call.RefuseNode(w, http.StatusBadRequest, "session", errSession.Error())
		return
	}
	p := a.deps.Node.Placement()
	q, ok := p.Pair(id.Pair)
	if !ok || id.Slot >= q.Slots {
		call.RefuseNode(w, http.StatusNotFound, "unknown", "there is no such session")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), listLimit)
	defer cancel()
	edge, partner := ring.Route(p, q, id.Slot)
	moves := false
	for _, name := range []string{edge, partner} {
		e, ok := p.Edge(name)
		if !ok {
			continue
		}
		err := a.deps.Call.Ask(ctx, http.MethodPost, e.HTTP+wire.PathClose, id, nil)
		switch {
		case err == nil:
			w.WriteHeader(http.StatusNoContent)
			return
		case call.StatusOf(err) == http.StatusConflict:
			moves = true
		case call.StatusOf(err) != http.StatusNotFound:
			call.RefuseNode(w, http.StatusServiceUnavailable, wire.ReasonNoEdge, name+" does not answer; try again")
			return
		}
	}
	if moves {
		call.RefuseNode(w, http.StatusServiceUnavailable, wire.ReasonStale, "the session is being handed over; try again")
		return
	}
	call.RefuseNode(w, http.StatusNotFound, "unknown", "there is no such session")
}

// sessionOf reads PAIR-SLOT-GENERATION.
func sessionOf(text string) (id wire.SessionID, ok bool) {
	parts := strings.Split(text, "-")
	if len(parts) != 3 {
		return id, false
	}
	pair, err1 := strconv.ParseUint(parts[0], 10, 32)
	slot, err2 := strconv.ParseUint(parts[1], 10, 31)
	generation, err3 := strconv.ParseUint(parts[2], 10, 32)
	id = wire.SessionID{Pair: wire.PairID(pair), Slot: int(slot), Generation: uint32(generation)}
	return id, err1 == nil && err2 == nil && err3 == nil
}
