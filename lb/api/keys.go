package api

import (
	"net/http"
	"strconv"

	"github.com/go-chi/chi/v5"

	"tandem/internal/call"
	"tandem/internal/wire"
	"tandem/lb/control"
	"tandem/raftfsm/placement"
)

// keys tells what keys there are, and nothing of what they are.
func (a *API) keys() []wire.KeyStatus {
	keys := a.deps.Node.Keys()
	list := []wire.KeyStatus{}
	for _, p := range []wire.Purpose{wire.ForTokens, wire.ForDatagrams} {
		set := keys.Of(p)
		for _, k := range set.Keys {
			s := wire.KeyStatus{Purpose: p, ID: k.ID, Made: k.Made, Ceased: k.Ceased, State: wire.KeyOpens}
			switch {
			case k.ID == set.Sealing:
				s.State = wire.KeySeals
			case k.Ceased == 0:
				s.State = wire.KeyNext
			}
			list = append(list, s)
		}
	}
	return list
}

// purposeNamed is the purpose that a path names. False: it was refused.
func (a *API) purposeNamed(w http.ResponseWriter, r *http.Request) (wire.Purpose, bool) {
	p := wire.Purpose(chi.URLParam(r, "purpose"))
	if p != wire.ForTokens && p != wire.ForDatagrams {
		call.RefuseNode(w, http.StatusNotFound, "unknown", "keys are for tokens or for datagrams")
		return "", false
	}
	return p, true
}

// handleRotate makes the next key. It seals when all nodes have it; what the one
// before has sealed stays good as long as it would have.
func (a *API) handleRotate(w http.ResponseWriter, r *http.Request) {
	p, ok := a.purposeNamed(w, r)
	if !ok {
		return
	}
	if result, ok := a.order(w, r, control.NewKey(p, "by command")); ok {
		call.Reply(w, http.StatusOK, done{Version: result.Version})
	}
}

// handleDropKey ends a key before its time, and with it what it has sealed.
func (a *API) handleDropKey(w http.ResponseWriter, r *http.Request) {
	p, ok := a.purposeNamed(w, r)
	if !ok {
		return
	}
	id, err := strconv.ParseUint(chi.URLParam(r, "key"), 10, 8)
	keys := a.deps.Node.Keys()
	if _, known := keys.Of(p).Find(uint8(id)); err != nil || !known {
		call.RefuseNode(w, http.StatusNotFound, "unknown", "no such key; tandem keys ("+Prefix+"/keys) lists them")
		return
	}
	c := placement.Command{Kind: placement.KeyDrop, Cause: "by command", Secret: &placement.Secret{Purpose: p, KeyID: uint8(id)}}
	if result, ok := a.order(w, r, c); ok {
		call.Reply(w, http.StatusOK, done{Version: result.Version})
	}
}
