package api

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"tandem/internal/call"
	"tandem/internal/wire"
	"tandem/lb/control"
	"tandem/raftfsm"
	"tandem/raftfsm/placement"
)

// What may be asked of the cluster as a whole: backups, and the ways back from the
// loss of disks.
const (
	maxBackup    = 512 << 20 // bytes
	restoreLimit = time.Minute
)

// handleBackup writes the placement, what has happened, and the cluster's keys.
func (a *API) handleBackup(w http.ResponseWriter, _ *http.Request) {
	p := a.deps.Node.Placement()
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Disposition", `attachment; filename="tandem-`+p.Cluster+"-"+strconv.FormatUint(p.Version, 10)+`.backup"`)
	if err := a.deps.Node.Backup(w); err != nil {
		panic(http.ErrAbortHandler) // a part of a backup must not look like one
	}
}

// handleRestore makes a backup the state of the cluster.
func (a *API) handleRestore(w http.ResponseWriter, r *http.Request) {
	if !a.deps.Node.IsLeader() {
		a.refuseFollower(w)
		return
	}
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBackup))
	if err != nil {
		call.RefuseNode(w, http.StatusBadRequest, call.ReasonBody, "the backup did not arrive whole: "+err.Error())
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), restoreLimit)
	defer cancel()
	err = a.deps.Node.Restore(ctx, bytes.NewReader(text), a.deps.Control.Newest())
	switch {
	case errors.Is(err, raftfsm.ErrNotLeader):
		a.refuseFollower(w)
	case errors.Is(err, placement.ErrSnapshot), errors.Is(err, placement.ErrSnapshotVersion):
		call.RefuseNode(w, http.StatusBadRequest, "backup", err.Error()+"; nothing has changed")
	case err != nil:
		control.RefuseCommand(w, err)
	default:
		p := a.deps.Node.Placement()
		a.deps.Logger.Warn().Str("cluster", p.Cluster).Uint64("version", p.Version).Msg("the cluster was restored from a backup")
		call.Reply(w, http.StatusOK, done{Version: p.Version})
	}
}

// toLeader is a refusal by one who does not lead.
type toLeader struct {
	call.Problem
	Leader string `json:"leader,omitempty"` // the admin URL of who does; commands ask there
}

// refuseFollower says whom to ask; who has several balancers to ask goes on.
func (a *API) refuseFollower(w http.ResponseWriter) {
	no := toLeader{Problem: call.Problem{Error: "only the leader can, and nobody leads now", Reason: wire.ReasonQuorum}}
	if leader, ok := a.deps.Node.Leader(); ok {
		no.Error, no.Leader = "only the leader can: ask "+leader.Name+" at "+cmp.Or(leader.Admin, "its own machine, where its admin listener is"), leader.Admin
	}
	call.Reply(w, http.StatusServiceUnavailable, no)
}

// handleRecover makes this balancer the only one that votes, by what is on its disk,
// where the majority of them is lost for good.
func (a *API) handleRecover(w http.ResponseWriter, r *http.Request) {
	var order struct {
		Name string `json:"name"` // of this balancer, so that nobody else is meant
	}
	if !call.ReadStrict(w, r, maxOrder, &order) {
		return
	}
	leader, led := a.deps.Node.Leader()
	switch {
	case order.Name != a.deps.Name:
		call.RefuseNode(w, http.StatusConflict, "refused", "name: this balancer is "+a.deps.Name)
	case led:
		call.RefuseNode(w, http.StatusConflict, "refused", leader.Name+" leads the balancers: there is nothing to recover")
	case a.deps.Node.Fresh():
		call.RefuseNode(w, http.StatusConflict, "refused", "this balancer's disk is empty; recover at one that has its own, or restore a backup")
	case a.deps.Recover == nil:
		call.RefuseNode(w, http.StatusNotImplemented, "recover", "this process can't be replaced; see docs/deploy.md")
	default:
		if err := a.deps.Recover(raftfsm.NewID()); err != nil {
			call.RefuseNode(w, http.StatusConflict, "refused", err.Error())
			return
		}
		a.deps.Logger.Warn().Msg("an operator's order: this balancer goes on alone, from its disk")
		w.WriteHeader(http.StatusAccepted)
	}
}

// handleMove tells the others where a balancer is now that can't tell them itself.
func (a *API) handleMove(w http.ResponseWriter, r *http.Request) {
	name := chi.URLParam(r, "balancer")
	var to struct {
		Raft  string `json:"raft"`
		HTTP  string `json:"http"`
		Admin string `json:"admin"`
	}
	if !call.ReadStrict(w, r, maxOrder, &to) {
		return
	}
	for _, b := range a.deps.Node.Placement().Balancers {
		if b.Name != name {
			continue
		}
		for _, row := range []struct {
			field, given string
			have         *string
		}{{"raft", to.Raft, &b.Raft}, {"http", to.HTTP, &b.HTTP}, {"admin", to.Admin, &b.Admin}} {
			if row.given == "" {
				continue
			}
			check := call.CheckReached
			if row.field == "raft" {
				check = call.CheckAddress
			}
			if err := check(row.field, row.given); err != nil {
				call.RefuseNode(w, http.StatusBadRequest, row.field, err.Error())
				return
			}
			*row.have = strings.TrimSuffix(row.given, "/")
		}
		if other := livesAt(a.deps.Control, b); other != "" {
			call.RefuseNode(w, http.StatusConflict, "refused", other+", and answers there; "+name+" needs an address of its own")
			return
		}
		if !a.deps.Node.IsLeader() {
			a.refuseFollower(w)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), orderLimit)
		defer cancel()
		if err := a.deps.Node.Admit(ctx, b, false); err != nil {
			control.RefuseCommand(w, err)
			return
		}
		if result, ok := a.order(w, r, placement.Command{Kind: placement.Balancer, Balancer: &b}); ok {
			call.Reply(w, http.StatusOK, done{Version: result.Version})
		}
		return
	}
	call.RefuseNode(w, http.StatusNotFound, "unknown", "no balancer has this name; tandem status ("+Prefix+"/status) lists them")
}

// livesAt says which other balancer has an address of b's, and answers; "": none.
func livesAt(c *control.Control, b wire.Balancer) string {
	for _, other := range c.Placement().Balancers {
		if other.Name == b.Name || !c.Alive(other.Name) {
			continue
		}
		for _, pair := range [][2]string{{other.Raft, b.Raft}, {other.HTTP, b.HTTP}, {other.Admin, b.Admin}} {
			if pair[0] != "" && pair[0] == pair[1] {
				return other.Name + " has " + pair[0]
			}
		}
	}
	return ""
}
