package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"tandem/internal/call"
	"tandem/internal/identity"
	"tandem/internal/wire"
	"tandem/lb/control"
	"tandem/raftfsm"
	"tandem/raftfsm/placement"
)

// Lives of tickets, in minutes.
const (
	ticketMinutes    = 60
	maxTicketMinutes = 7 * 24 * 60
)

// handleTicket makes a ticket for one node.
func (a *API) handleTicket(w http.ResponseWriter, r *http.Request) {
	asked := wire.TicketOrder{Minutes: ticketMinutes}
	if !call.ReadStrict(w, r, 1<<16, &asked) {
		return
	}
	role, err := identity.ParseRole(asked.Role)
	if err != nil {
		call.RefuseNode(w, http.StatusBadRequest, call.ReasonBody, fmt.Sprintf("%.64q is no role; the roles are origin, edge, balancer and node", asked.Role))
		return
	}
	if asked.Minutes < 1 || asked.Minutes > maxTicketMinutes {
		call.RefuseNode(w, http.StatusBadRequest, call.ReasonBody, fmt.Sprintf("minutes: %d: want 1 to %d", asked.Minutes, maxTicketMinutes))
		return
	}
	if err := identity.CheckHosts(asked.Addresses); err != nil {
		call.RefuseNode(w, http.StatusBadRequest, call.ReasonBody, "address: "+err.Error())
		return
	}
	if other := otherRole(a.deps.Node.Placement(), role, asked.Node); other != "" {
		call.RefuseNode(w, http.StatusConflict, "in_use", fmt.Sprintf("%s is %s of this cluster: another node needs a name of its own", asked.Node, other))
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), orderLimit)
	defer cancel()
	text, err := a.deps.Control.Authority.Ticket(ctx, role, asked.Node, asked.Addresses, time.Duration(asked.Minutes)*time.Minute)
	if err != nil {
		control.RefuseCommand(w, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	call.Reply(w, http.StatusOK, wire.TicketMade{Ticket: text})
}

// otherRole is what a node of that name is in the cluster, if it is not what the ticket says;
// "": nobody has the name, or it fits. What is revoked and removed goes by names alone.
func otherRole(p *wire.Placement, role identity.Role, node string) string {
	_, edge := p.Edge(node)
	balancer := slices.ContainsFunc(p.Balancers, func(b wire.Balancer) bool { return b.Name == node })
	switch {
	case edge && !role.Is(identity.Edge):
		return "an edge"
	case balancer && !role.Is(identity.Balancer):
		return "a balancer"
	}
	return ""
}

// handleRevoke voids the certificates of a node.
func (a *API) handleRevoke(w http.ResponseWriter, r *http.Request) {
	node := chi.URLParam(r, "node")
	if node == a.deps.Name { // it would not hear what has become of the order
		call.RefuseNode(w, http.StatusConflict, ReasonItself, "a balancer does not shut itself out; ask another one (--admin)")
		return
	}
	tables, _ := a.deps.Control.Tables(r.Context(), a.deps.Node.Placement(), node)
	c := placement.Command{Kind: placement.Revoke, Name: node, Loads: tables}
	if result, ok := a.order(w, r, c); ok {
		call.Reply(w, http.StatusOK, done{Version: result.Version})
	}
}

// handleAuthority takes one step of a roll-over: another root is trusted, its
// authority issues, the former root is trusted no longer.
func (a *API) handleAuthority(w http.ResponseWriter, r *http.Request) {
	var c placement.Command
	step := chi.URLParam(r, "step")
	if why := outOfTurn(step, rollOver(a.deps.Node)); why != "" {
		call.RefuseNode(w, http.StatusConflict, "out_of_turn", why)
		return
	}
	switch step {
	case "new":
		next, err := a.deps.Control.Authority.Successor()
		if errors.Is(err, placement.ErrRefused) {
			control.RefuseCommand(w, err)
			return
		}
		var text []byte
		if err == nil {
			text, err = next.PEM()
		}
		if err != nil {
			call.RefuseNode(w, http.StatusInternalServerError, "authority", err.Error())
			return
		}
		c = placement.Command{Kind: placement.Authority, Secret: &placement.Secret{Authority: text, Root: string(next.Root()), Cluster: next.Cluster()}}
	case "use":
		c.Kind = placement.AuthorityUse
	case "drop":
		if !mayDropRoot(a.deps.Control.Authority, w, r) {
			return
		}
		c.Kind = placement.AuthorityDrop
	default:
		call.RefuseNode(w, http.StatusNotFound, "unknown", "the steps are new, use and drop")
		return
	}
	if result, ok := a.order(w, r, c); ok {
		call.Reply(w, http.StatusOK, done{Version: result.Version})
	}
}

// rollOver is how far a change of the authority is.
func rollOver(node *raftfsm.Node) wire.RollOver {
	t := node.Placement().Trust
	_, next := node.Authority()
	switch {
	case next != nil:
		return wire.RollTrusted
	case t != nil && strings.Count(t.Roots, "-----BEGIN CERTIFICATE-----") > 1:
		return wire.RollIssues
	default:
		return ""
	}
}

// outOfTurn says why a step can't be taken now: a second `new` would end the first root
// where nodes have no other certificate yet.
func outOfTurn(step string, now wire.RollOver) string {
	switch {
	case step == "new" && now != "":
		return "a change of the authority is under way: " + nextOfRoll(now)
	case step == "use" && now == "":
		return "no second root is trusted: first tandem cluster authority new"
	case step == "drop" && now == "":
		return "one root alone is trusted: there is nothing to drop"
	case step == "drop" && now == wire.RollTrusted:
		return "the second root's authority does not issue yet: " + nextOfRoll(now)
	default:
		return ""
	}
}

// nextOfRoll is the next step of a roll-over.
func nextOfRoll(now wire.RollOver) string {
	if now == wire.RollTrusted {
		return "next is tandem cluster authority use."
	}
	return "next is tandem cluster authority drop, when every node has a certificate of the new root."
}

// mayDropRoot tells whether nobody would be shut out by the end of the old root, or the
// operator wants that. False: it was refused, with the names.
func mayDropRoot(by *control.Authority, w http.ResponseWriter, r *http.Request) bool {
	force, ok := forced(w, r)
	if !ok {
		return false
	}
	old, unheard := by.Outdated()
	if force || len(old)+len(unheard) == 0 {
		return true
	}
	why := ""
	if len(old) > 0 {
		why = "certificates of the old root are all that is known of " + strings.Join(old, ", ")
	}
	if len(unheard) > 0 {
		if why != "" {
			why += "; "
		}
		why += "nothing was heard here of " + strings.Join(unheard, ", ")
	}
	call.RefuseNode(w, http.StatusConflict, "would_shut_out", why+": each would need a new ticket; wait until they have renewed (their logs say so), or force it (?force=true, --force)")
	return false
}
