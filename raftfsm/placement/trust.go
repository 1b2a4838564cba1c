package placement

import (
	"fmt"
	"slices"
	"strings"

	"tandem/internal/protected"
	"tandem/internal/wire"
)

// trust is the placement's part of trust, to be changed.
func (ch *change) trust() *wire.Trust {
	p := ch.edit()
	if p.Trust == nil {
		p.Trust = new(wire.Trust)
	} else if p.Trust == ch.before.Trust {
		own := *p.Trust
		p.Trust = &own
	}
	return p.Trust
}

// authority takes the cluster's authority. The first one issues at once. A later
// one is trusted beside it first, and authorityUse lets it issue when everybody
// trusts it.
func authority(ch *change) error {
	given := ch.c.Secret
	switch {
	case given == nil || len(given.Authority) == 0 || given.Root == "" || given.Cluster == "":
		return fmt.Errorf("%w: an authority needs its key, its root and the cluster's name", ErrMalformed)
	case len(given.Authority) > maxAuthority || len(given.Root) > maxAuthority || len(given.Cluster) > maxName:
		return fmt.Errorf("%w: an authority of more than %d bytes", ErrMalformed, maxAuthority)
	case ch.secrets.Authority == nil:
		ch.secrets.Authority, ch.secrets.Root = given.Authority, given.Root
		t := ch.trust()
		t.Cluster, t.Roots, t.Issuer = given.Cluster, given.Root, 0
		ch.event(wire.Event{Kind: "authority", Text: "Cluster " + given.Cluster + " has its authority."})
		return nil
	case given.Root == ch.secrets.Root || given.Root == ch.secrets.NextRoot:
		return nil
	case ch.secrets.Next != nil:
		return fmt.Errorf("%w: another authority is taking over already", ErrRefused)
	case given.Cluster != ch.before.Trust.Cluster:
		return fmt.Errorf("%w: an authority of cluster %s; this one is %s", ErrRefused, given.Cluster, ch.before.Trust.Cluster)
	}
	ch.secrets.Next, ch.secrets.NextRoot = given.Authority, given.Root
	ch.trust().Roots = ch.secrets.Root + given.Root
	ch.event(wire.Event{Kind: "authority", Text: "A second root is trusted" + ch.by() + "."})
	return nil
}

// authorityUse lets the next authority issue; every node renews its certificate.
// The old root counts until authorityDrop.
func authorityUse(ch *change) error {
	if ch.secrets.Next == nil {
		return nil
	}
	ch.secrets.Authority, ch.secrets.Root = ch.secrets.Next, ch.secrets.NextRoot
	ch.secrets.Next, ch.secrets.NextRoot = nil, ""
	ch.trust().Issuer = ch.version
	ch.event(wire.Event{Kind: "authority", Text: "The second root's authority issues now" + ch.by() + "."})
	return nil
}

// authorityDrop ends the old root: certificates of it count no longer.
func authorityDrop(ch *change) error {
	if ch.secrets.Next != nil {
		return fmt.Errorf("%w: the next authority does not issue yet", ErrRefused)
	}
	if ch.before.Trust == nil || ch.before.Trust.Roots == ch.secrets.Root {
		return nil
	}
	ch.trust().Roots = ch.secrets.Root
	ch.event(wire.Event{Kind: "authority", Text: "The old root is no longer trusted" + ch.by() + "."})
	return nil
}

// ticketNew keeps a ticket; those that have expired go.
func ticketNew(ch *change) error {
	if ch.c.Secret == nil || ch.c.Secret.Ticket == nil {
		return fmt.Errorf("%w: no ticket", ErrMalformed)
	}
	t := *ch.c.Secret.Ticket
	if err := CheckName(t.Role, t.Node); err != nil {
		return err
	}
	if len(t.ID) != 32 || t.Key != "" || t.Expires <= ch.c.At || len(t.Addresses) > maxAddresses || len(strings.Join(t.Addresses, "")) > maxAddress {
		return fmt.Errorf("%w: ticket for %s", ErrMalformed, t.Node)
	}
	tickets := ch.livingTickets()
	if slices.ContainsFunc(tickets, func(have Ticket) bool { return have.ID == t.ID }) {
		return nil
	}
	if len(tickets) >= maxTickets {
		return fmt.Errorf("%w: %d tickets are good already", ErrLimit, maxTickets)
	}
	t.Used = 0
	ch.secrets.Tickets = append(tickets, t)
	ch.event(wire.Event{Kind: "ticket", Text: fmt.Sprintf("A ticket for %s %s was made%s.", t.Role, t.Node, ch.by())})
	return nil
}

// ticketUse spends a ticket for one key; the same key may come again, since the
// answer may have been lost.
func ticketUse(ch *change) error {
	if ch.c.Secret == nil || ch.c.Secret.Ticket == nil {
		return fmt.Errorf("%w: no ticket", ErrMalformed)
	}
	id, key := ch.c.Secret.Ticket.ID, ch.c.Secret.Ticket.Key
	if len(key) == 0 || len(key) > maxName {
		return fmt.Errorf("%w: no key for the ticket", ErrMalformed)
	}
	tickets := append([]Ticket(nil), ch.secrets.Tickets...)
	i := slices.IndexFunc(tickets, func(t Ticket) bool { return t.ID == id })
	switch {
	case i < 0:
		return fmt.Errorf("%w ticket", ErrUnknown)
	case tickets[i].Expires <= ch.c.At:
		return fmt.Errorf("%w: the ticket for %s has expired: make another one (tandem ticket %s %s --address HOST)", ErrStale, tickets[i].Node, tickets[i].Role, tickets[i].Node)
	case tickets[i].Key == key:
		return nil
	case tickets[i].Key != "":
		return fmt.Errorf("%w: the ticket for %s has been used: if it was not this node, tandem revoke %s; then make another one (tandem ticket)", ErrRefused, tickets[i].Node, tickets[i].Node)
	}
	tickets[i].Key, tickets[i].Used = key, ch.version
	ch.secrets.Tickets = tickets
	ch.event(wire.Event{Kind: "ticket", Text: fmt.Sprintf("%s %s has joined by its ticket%s.", tickets[i].Role, tickets[i].Node, ch.by())})
	return nil
}

func (ch *change) livingTickets() []Ticket {
	var living []Ticket
	for _, t := range ch.secrets.Tickets {
		if t.Expires > ch.c.At {
			living = append(living, t)
		}
	}
	return living
}

// revoke voids all certificates of a node that were issued so far, and its
// tickets. An edge is down with it, since nobody speaks with it any more.
func revoke(ch *change) error {
	name := ch.c.Name
	if err := CheckName("node", name); err != nil {
		return err
	}
	var list []wire.Revocation
	if t := ch.before.Trust; t != nil {
		list = t.Revoked
	}
	i, known := slices.BinarySearchFunc(list, name, func(r wire.Revocation, name string) int { return strings.Compare(r.Node, name) })
	if !known && len(list) >= maxRevocations {
		return fmt.Errorf("%w: %d nodes are revoked", ErrLimit, maxRevocations)
	}
	if e, ok := ch.before.Edge(name); ok && e.State != wire.EdgeDown {
		ch.c.Incarnation, ch.c.Cause = e.Incarnation, "revoked"
		if err := edgeDown(ch); err != nil {
			return err
		}
	}
	next := append(append(make([]wire.Revocation, 0, len(list)+1), list[:i]...), wire.Revocation{Node: name, Version: ch.version})
	if known {
		i++
	}
	ch.trust().Revoked = append(next, list[i:]...)
	ch.secrets.Tickets = slices.DeleteFunc(append([]Ticket(nil), ch.secrets.Tickets...), func(t Ticket) bool { return t.Node == name })
	ch.event(wire.Event{Kind: "revoked", Edge: name, Text: fmt.Sprintf("The certificates of %s are void%s.", name, ch.by())})
	return nil
}

// protect changes what viewers have to be let into, as a whole.
func protect(ch *change) error {
	var have []wire.Protected
	if t := ch.before.Trust; t != nil {
		have = t.Protected
	}
	if slices.Equal(have, ch.c.Protected) {
		return nil
	}
	if err := protected.Check(ch.c.Protected); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	ch.trust().Protected = ch.c.Protected
	ch.event(wire.Event{Kind: "access", Text: fmt.Sprintf("%d prefixes have access rules%s.", len(ch.c.Protected), ch.by())})
	return nil
}
