package control

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"tandem/internal/call"
	"tandem/internal/identity"
	"tandem/internal/rights"
	"tandem/internal/wire"
	"tandem/raftfsm/placement"
)

// Authority certifies the cluster's nodes, and keeps this balancer's own certificate.
type Authority struct {
	c     *Control
	shown certificates
}

// ErrNoAuthority is for a cluster whose nodes have no names.
var ErrNoAuthority = fmt.Errorf("%w: this cluster has no authority: tandem cluster init makes one", placement.ErrRefused)

// ErrAuthorityUnheard is for a balancer that has just started, the first one after
// `tandem cluster init` among them.
var ErrAuthorityUnheard = fmt.Errorf("%w: the cluster's authority is not known here yet: try again in a moment", placement.ErrRefused)

// handleRenew certifies a node anew, as what its certificate says that it is.
func (a *Authority) handleRenew(w http.ResponseWriter, r *http.Request) {
	peer, ok := rights.Peer(r)
	if !ok {
		call.RefuseNode(w, http.StatusConflict, "no_authority", ErrNoAuthority.Error())
		return
	}
	var asked wire.Enrol
	if !call.Read(w, r, &asked) {
		return
	}
	grant, err := peer.Grant()
	if err != nil {
		call.RefuseNode(w, http.StatusForbidden, call.ReasonCertificate, err.Error())
		return
	}
	a.certify(w, []byte(asked.Request), grant)
}

// handleTrust gives an origin what it has to know, and no key of tokens.
func (a *Authority) handleTrust(w http.ResponseWriter, _ *http.Request) {
	keys := a.c.node.Keys()
	w.Header().Set("Cache-Control", "no-store")
	call.Reply(w, http.StatusOK, wire.Standing{Trust: a.c.node.Placement().Trust, Version: keys.Version, Datagrams: keys.Datagrams})
}

// handleEnrol certifies a node that shows a ticket, once: the same key may come
// again, since the answer can be lost.
func (a *Authority) handleEnrol(w http.ResponseWriter, r *http.Request) {
	var asked wire.Enrol
	if !call.Read(w, r, &asked) {
		return
	}
	if asked.Request == "" {
		a.hearClock(w, asked)
		return
	}
	id := identity.TicketID(asked.Ticket)
	ticket, known := a.c.node.Ticket(id)
	key, err := identity.KeyID([]byte(asked.Request))
	switch {
	case err != nil:
		call.RefuseNode(w, http.StatusBadRequest, call.ReasonBody, err.Error())
		return
	case !known:
		a.c.deps.Foreign()
		call.RefuseNode(w, http.StatusForbidden, "ticket", "nobody made this ticket, or it has expired or was revoked: make another one (tandem ticket)")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), orderLimit)
	defer cancel()
	if _, err := a.c.Proposals.Propose(ctx, placement.Command{Kind: placement.TicketUse, Secret: &placement.Secret{Ticket: &placement.Ticket{ID: id, Key: key}}}); err != nil {
		refused(a.c)(r, err)
		RefuseCommand(w, err)
		return
	}
	a.c.Misfits.told(ticket.Node, asked.Clock, a.c.deps.Now())
	a.certify(w, []byte(asked.Request), identity.Grant{Role: identity.Role(ticket.Role), Node: ticket.Node, Addresses: ticket.Addresses})
}

// hearClock notes what the clock of a node says that can't join for it: by that this
// balancer's certificate is not good yet, or no longer. It shows no ticket, but tells whose.
func (a *Authority) hearClock(w http.ResponseWriter, asked wire.Enrol) {
	if ticket, known := a.c.node.Ticket(asked.ID); known {
		a.c.Misfits.told(ticket.Node, asked.Clock, a.c.deps.Now())
	}
	call.RefuseNode(w, http.StatusBadRequest, call.ReasonBody, "a ticket and a request for a certificate are wanted")
}

// certify issues, by the version that is true here: a revocation that is not known
// here yet voids it.
func (a *Authority) certify(w http.ResponseWriter, request []byte, grant identity.Grant) {
	chain, roots, err := a.issue(request, grant)
	if err != nil {
		call.RefuseNode(w, http.StatusConflict, "no_authority", err.Error())
		return
	}
	call.Reply(w, http.StatusOK, wire.Certified{Chain: string(chain), Roots: string(roots), Clock: a.c.deps.Now().UnixMilli()})
}

// issuer is the authority that issues now.
func (a *Authority) issuer(p *wire.Placement) (*identity.Authority, error) {
	text, _ := a.c.node.Authority()
	return issuerOf(text, p.Trust, a.c.deps.Identity != nil)
}

// issuerOf reads the authority that the balancers share; named: this one has a certificate,
// so there is one.
func issuerOf(text []byte, t *wire.Trust, named bool) (*identity.Authority, error) {
	switch {
	case text != nil && t != nil && t.Cluster != "":
		return identity.ParseAuthority(text, t.Cluster)
	case named:
		return nil, ErrAuthorityUnheard
	}
	return nil, ErrNoAuthority
}

// Successor draws the authority that is to take over from the one that issues.
func (a *Authority) Successor() (*identity.Authority, error) {
	issuer, err := a.issuer(a.c.node.Placement())
	if err != nil {
		return nil, err
	}
	return issuer.Successor(a.c.deps.Now())
}

func (a *Authority) issue(request []byte, grant identity.Grant) (chain, roots []byte, err error) {
	p := a.c.node.Placement()
	issuer, err := a.issuer(p)
	if err != nil {
		return nil, nil, err
	}
	grant.Version = p.Version
	chain, err = issuer.Issue(request, grant, a.c.deps.Now())
	return chain, []byte(p.Trust.Roots), err
}

// follow goes by what the placement says of trust.
func (a *Authority) follow(t *wire.Trust) {
	if a.c.deps.Identity == nil || t == nil {
		return
	}
	if err := a.c.deps.Identity.Follow(t); err != nil {
		a.c.deps.Logger.Warn().Err(err).Msg("the cluster's roots are not taken yet")
	}
	a.c.node.EndUntrusted()
}

// keepIdentity renews this balancer's certificate: by itself, since it has the
// authority.
func (a *Authority) run(ctx context.Context) error {
	id := a.c.deps.Identity
	if id == nil {
		<-ctx.Done()
		return nil
	}
	renew := func(_ context.Context, request []byte) (chain, roots []byte, err error) {
		grant, err := id.Self().Grant()
		if err != nil {
			return nil, nil, err
		}
		return a.issue(request, grant)
	}
	return id.Run(ctx, renew, identity.Tell{
		Renewed: func(until time.Time) {
			a.c.deps.Renewed()
			a.c.deps.Logger.Info().Time("until", until).Msg("the certificate is a new one")
		},
		Failed: func(err error) {
			a.c.deps.Logger.Warn().Err(err).Msg("the certificate could not be renewed; the old one stays")
		},
	})
}

// authority gives the cluster its authority, which its first balancer has on its disk.
func (t *tasks) authority(ctx context.Context) {
	id := t.c.deps.Identity
	if trust := t.c.node.Placement().Trust; id == nil || trust != nil && trust.Roots != "" {
		return
	}
	a, err := identity.ReadAuthority(id.Dir(), id.Name().Cluster)
	if errors.Is(err, os.ErrNotExist) {
		return
	}
	var text []byte
	if err == nil {
		text, err = a.PEM()
	}
	if err != nil {
		t.c.deps.Logger.Warn().Err(err).Msg("the authority in --identity can't be used")
		return
	}
	t.task(ctx, placement.Command{Kind: placement.Authority, Secret: &placement.Secret{Authority: text, Root: string(a.Root()), Cluster: a.Cluster()}})
}

// Ticket makes a ticket, which is good for so long.
func (a *Authority) Ticket(ctx context.Context, role identity.Role, node string, addresses []string, life time.Duration) (string, error) {
	p := a.c.node.Placement()
	issuer, err := a.issuer(p)
	if err != nil {
		return "", err
	}
	var at []string
	for _, b := range p.Balancers {
		if u, err := url.Parse(b.HTTP); err == nil && u.Hostname() != "" {
			at = append(at, net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), "80")))
		}
	}
	if len(at) == 0 {
		return "", fmt.Errorf("%w: no balancer is in the placement yet; try again", placement.ErrRefused)
	}
	expires := a.c.deps.Now().Add(life)
	ticket, err := identity.NewTicket(role, node, at, issuer.Root(), expires) // balancers show certificates of it, and, when another one takes over, of one that it certifies
	if err != nil {
		return "", fmt.Errorf("%w: %w", placement.ErrMalformed, err)
	}
	_, err = a.c.Proposals.Propose(ctx, placement.Command{Kind: placement.TicketNew, Secret: &placement.Secret{Ticket: &placement.Ticket{
		ID: identity.TicketID(ticket.Secret), Role: string(role), Node: node, Addresses: addresses, Expires: expires.UnixMilli(),
	}}})
	return ticket.Text(), err
}
