package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"tandem/internal/identity"
	"tandem/internal/setting"
	"tandem/internal/wire"
)

const (
	joinLimit = 10 * time.Second // for one balancer to certify a node
	oddClock  = 10 * time.Second // by so much two clocks differ that are not kept
)

// initOrder is the settings of `tandem cluster init`.
type initOrder struct {
	dir, node, authority string
	addresses            []string
}

func (o *initOrder) rows() []setting.Row {
	return []setting.Row{
		setting.String(&o.dir, "identity", "", "init: directory of the first balancer's identity, and of the authority until the balancers have it."),
		setting.String(&o.node, "node", "lb-1", "init: name of that balancer."),
		setting.List(&o.addresses, "address", "init: host names and addresses at which others reach it."),
		setting.String(&o.authority, "authority", "", "init: file with an authority of your own, key and chain, PEM (default: one is drawn)."),
	}
}

// begin makes the authority and the first balancer's identity.
func (o *initOrder) begin(out io.Writer) error {
	if o.dir == "" || len(o.addresses) == 0 {
		return setting.Usage("cluster init: --identity DIR and --address are needed")
	}
	if err := identity.CheckHosts(o.addresses); err != nil {
		return setting.Usage("cluster init: --address: %w", err)
	}
	if !identity.IsName(o.node) {
		return setting.Usage("cluster init: --node: %q is no name of a node: 1 to %d letters, digits, '-', '.' or '_'", o.node, identity.MaxNode)
	}
	if _, err := identity.Open(o.dir, nil); err == nil {
		return fmt.Errorf("cluster init: %s holds an identity already", o.dir)
	}
	a, err := o.issuer()
	if err != nil {
		return fmt.Errorf("cluster init: %w", err)
	}
	if err := identity.SaveAuthority(o.dir, a); err != nil {
		return err
	}
	if err := identity.Enrol(o.dir, a, identity.Grant{Role: identity.Balancer, Node: o.node, Addresses: o.addresses}, time.Now()); err != nil {
		return err
	}
	return say(out, "cluster %s: %s is its first balancer. Start it with --identity %s --node-listen ADDRESS; then `tandem ticket` lets the others in.", a.Cluster(), o.node, o.dir)
}

func (o *initOrder) issuer() (*identity.Authority, error) {
	if o.authority == "" {
		return identity.NewAuthority("", time.Now())
	}
	text, err := os.ReadFile(o.authority)
	if err != nil {
		return nil, err
	}
	return identity.ParseAuthority(text, "")
}

func ticketCommand() command {
	c := &client{}
	order := wire.TicketOrder{Minutes: 60}
	return command{
		name: "ticket", args: "ROLE NAME",
		summary: "let a node into the cluster: a ticket for its certificate, good once",
		about: "ROLE is edge, balancer, origin or node (a balancer and an edge in one process). Give the ticket to\n" +
			"the node by a way that others don't hear: it is worth a certificate.",
		example: "tandem ticket edge edge-3 --address 10.0.0.13",
		rows: func() []setting.Row {
			return append(
				c.rows(),
				setting.List(&order.Addresses, "address", "Host names and addresses at which others reach the node; it can say no others."),
				setting.Int(&order.Minutes, "minutes", 60, 1, 10080, "minutes", "How long the ticket is good."),
			)
		},
		run: func(ctx context.Context, args []string, out io.Writer) error {
			if len(args) != 2 || len(order.Addresses) == 0 {
				return setting.Usage("ticket: want ROLE (edge, balancer, origin, node), NAME, and --address: tandem ticket edge edge-3 --address 10.0.0.13")
			}
			order.Role, order.Node = args[0], args[1]
			var made wire.TicketMade
			if err := c.call(ctx, http.MethodPost, "/api/v1/tickets", order, &made); err != nil {
				return fmt.Errorf("ticket: %w", err)
			}
			_, err := fmt.Fprintln(out, made.Ticket)
			return err
		},
	}
}

func joinCommand() command {
	dir := ""
	return command{
		name: "join", args: "TICKET|-",
		summary: "get this node its certificate, by a ticket",
		about: "The cluster is known by the ticket, so nobody in between can stand in for it. A ticket counts once;\n" +
			"when an answer was lost, the same directory may try again.",
		example: "tandem join - --identity ./identity < ticket",
		rows: func() []setting.Row {
			return []setting.Row{setting.String(&dir, "identity", "", "Directory for the certificate and its key; required.")}
		},
		run: func(ctx context.Context, args []string, out io.Writer) error {
			if len(args) != 1 || dir == "" {
				return setting.Usage("join: want a TICKET and --identity DIR")
			}
			text, err := ticketText(args[0], os.Stdin)
			if err != nil {
				return err
			}
			return join(ctx, text, dir, out)
		},
	}
}

// ticketText is the ticket of the command line; with "-" the first line of in: other people
// on the machine see what a command was given (ps), and a shell keeps it.
func ticketText(arg string, in io.Reader) (string, error) {
	if arg != "-" {
		return arg, nil
	}
	text, err := io.ReadAll(io.LimitReader(in, maxTicket))
	if err != nil {
		return "", fmt.Errorf("join: standard input: %w", err)
	}
	line, _, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
	if line == "" {
		return "", setting.Usage("join: there is no ticket in the standard input")
	}
	return strings.TrimSpace(line), nil
}

const maxTicket = 64 << 10 // bytes of the standard input

func join(ctx context.Context, text, dir string, out io.Writer) error {
	ticket, err := identity.ParseTicket(text)
	if err != nil {
		return err
	}
	if err := others(ticket, dir); err != nil {
		return err
	}
	key, err := identity.PendingKey(dir)
	if err != nil {
		return err
	}
	request, err := key.Request()
	if err != nil {
		return err
	}
	given, err := wire.Certified{}, errors.New("the ticket names no balancer")
	for _, at := range ticket.At {
		if given, err = enrol(ctx, ticket, at, request); err == nil {
			err = identity.Early([]byte(given.Chain), time.Now()) // or that balancer's clock is wrong
		}
		if err == nil {
			break
		}
	}
	if errors.Is(err, identity.ErrClock) {
		err = fmt.Errorf("%w; then join by the same ticket again", err)
	}
	if err != nil {
		return fmt.Errorf("join: %w", err)
	}
	if err := identity.Save(dir, key, []byte(given.Chain), []byte(given.Roots)); err != nil {
		return err
	}
	self, err := identity.Open(dir, nil)
	if err != nil {
		return err
	}
	name := self.Name() // as the cluster says, whatever became of the ticket on its way
	if err := say(out, "%s: this is %s %s now", dir, name.Role, name.Node); err != nil {
		return err
	}
	if off := otherClock(given.Clock, time.Now()); off != "" {
		return say(out, "%s", off)
	}
	return nil
}

// others tells whose a directory is, if a ticket is for another node: by a slip that one would lose
// its key, and what runs with it its name.
func others(ticket identity.Ticket, dir string) error {
	self, err := identity.Open(dir, nil)
	if err != nil { // there is none, or one that is no good
		return nil
	}
	have := self.Name()
	if same := have.Role.Is(ticket.Role) || ticket.Role.Is(have.Role); have.Node != ticket.Node || !same {
		return setting.Usage("join: %s holds the identity of %s %s, and the ticket is for %s %s: give it a directory of its own (--identity), or empty that one first", dir, have.Role, have.Node, ticket.Role, ticket.Node)
	}
	return nil
}

// otherClock warns of a clock that is another one than the balancer's, which said
// milliseconds; "" where both are kept, or it said nothing.
func otherClock(milliseconds int64, now time.Time) string {
	ahead, way := now.Sub(time.UnixMilli(milliseconds)).Round(time.Second), "ahead of"
	if milliseconds == 0 || ahead.Abs() <= oddClock {
		return ""
	}
	if ahead < 0 {
		way = "behind"
	}
	return fmt.Sprintf("warning: the clock here is %s %s the balancer's: set the one that is wrong (chrony, systemd-timesyncd); certificates and tokens go by them", ahead.Abs(), way)
}

// enrol shows a ticket to one balancer, or, where the time is against that one's
// certificate, tells it what the clock here says.
func enrol(ctx context.Context, t identity.Ticket, at string, request []byte) (given wire.Certified, err error) {
	ctx, cancel := context.WithTimeout(ctx, joinLimit)
	defer cancel()
	host, _, err := net.SplitHostPort(at)
	if err != nil {
		return given, err
	}
	var off error
	now := time.Now()
	conn, err := (&tls.Dialer{Config: t.Joining(host, now, func(why error) { off = why })}).DialContext(ctx, "tcp", at)
	if err != nil {
		return given, err
	}
	defer conn.Close()
	asked := wire.Enrol{Ticket: t.Secret, Request: string(request), Clock: now.UnixMilli()}
	if off != nil {
		asked = wire.Enrol{ID: identity.TicketID(t.Secret), Clock: now.UnixMilli()}
	}
	given, err = showTicket(ctx, conn, at, asked)
	return given, cmp.Or(off, err)
}

// showTicket asks for a certificate on a connection to a balancer.
func showTicket(ctx context.Context, conn net.Conn, at string, asked wire.Enrol) (given wire.Certified, err error) {
	body, err := json.Marshal(asked)
	if err != nil {
		return given, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+at+wire.PathEnroll, bytes.NewReader(body))
	if err != nil {
		return given, err
	}
	transport := &http.Transport{DialTLSContext: func(context.Context, string, string) (net.Conn, error) { return conn, nil }, DisableKeepAlives: true}
	resp, err := transport.RoundTrip(r)
	if err != nil {
		return given, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return given, err
	}
	if resp.StatusCode != http.StatusOK {
		return given, fmt.Errorf("%s: %w", at, refusal(resp, text))
	}
	return given, json.Unmarshal(text, &given)
}

func revokeCommand() command {
	c := &client{}
	return command{
		name: "revoke", args: "NAME",
		summary: "void a node's certificates: it is shut out at once",
		about:   "An edge is down with it, and its neighbours take over. To come back it needs a new ticket.",
		example: "tandem revoke edge-3",
		rows:    c.rows,
		run: func(ctx context.Context, args []string, out io.Writer) error {
			if len(args) != 1 || args[0] == "" {
				return setting.Usage("revoke: want one NAME")
			}
			if err := c.call(ctx, http.MethodPost, "/api/v1/nodes/"+url.PathEscape(args[0])+"/revoke", nil, nil); err != nil {
				return fmt.Errorf("revoke %s: %w", args[0], err)
			}
			if err := say(out, "%s is shut out", args[0]); err != nil {
				return err
			}
			var s wire.Status
			if c.call(ctx, http.MethodGet, "/api/v1/status", nil, &s) == nil && !isNamed(&s, args[0]) { // a slip would leave the thief in
				return say(out, "no edge and no balancer is called %s (origins are in no list); tandem status has their names", args[0])
			}
			return nil
		},
	}
}

// isNamed tells whether an edge or a balancer has a name.
func isNamed(s *wire.Status, name string) bool {
	return slices.ContainsFunc(s.Edges, func(e wire.EdgeStatus) bool { return e.Name == name }) ||
		slices.ContainsFunc(s.Balancers, func(b wire.BalancerInfo) bool { return b.Name == name })
}

// authorityStep takes one step of a roll-over.
func (o *clusterOrder) authorityStep(ctx context.Context, step string, out io.Writer) error {
	path := "/api/v1/authority/" + url.PathEscape(step)
	if o.force {
		path += "?force=true"
	}
	if err := o.call(ctx, http.MethodPost, path, nil, nil); err != nil {
		return fmt.Errorf("authority %s: %w", step, err)
	}
	said := map[string]string{
		"new":  "a second root is trusted; `authority use` lets its authority issue when every node has heard of it",
		"use":  "the second root's authority issues, and nodes renew their certificates; `authority drop` ends the first when they have",
		"drop": "the first root is trusted no longer",
	}
	return say(out, "%s", said[step])
}
