package api

import (
	"errors"
	"net/http"

	"tandem/internal/call"
	"tandem/internal/wire"
	"tandem/raftfsm/placement"
)

var errRedacted = errors.New("upstreams: a secret is not shown by this API and can't be put back as it was shown; write it anew")

// maxUpstreams bounds a list of upstreams, in bytes.
const maxUpstreams = 1 << 20

// handleUpstreams tells where edges get what they lack, without what is secret.
func (a *API) handleUpstreams(w http.ResponseWriter, _ *http.Request) {
	shown := []wire.Upstream{}
	for _, u := range a.deps.Node.Placement().Upstreams {
		shown = append(shown, u.Redacted())
	}
	call.Reply(w, http.StatusOK, shown)
}

// handleSetUpstreams puts a list in place of the one that is there. What was redacted
// can't be put back: it is refused.
func (a *API) handleSetUpstreams(w http.ResponseWriter, r *http.Request) {
	var all []wire.Upstream
	if !call.ReadStrict(w, r, maxUpstreams, &all) {
		return
	}
	err := wire.CheckUpstreams(all)
	for i := range all {
		if err == nil && all[i].IsRedacted() {
			err = errRedacted
		}
	}
	if err != nil {
		call.RefuseNode(w, http.StatusBadRequest, "upstreams", err.Error())
		return
	}
	if _, ok := a.order(w, r, placement.Command{Kind: placement.Upstreams, Upstreams: all}); ok {
		a.handleUpstreams(w, r)
	}
}
