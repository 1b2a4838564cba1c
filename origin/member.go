package origin

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"tandem/internal/call"
	"tandem/internal/identity"
	"tandem/internal/rights"
	"tandem/internal/run"
	"tandem/internal/wire"
)

// Times of following the cluster: an edge that is revoked gets nothing here soon.
const (
	followEvery = time.Second
	followLimit = 2 * time.Second // for one balancer to answer
	edgeDial    = 2 * time.Second // for a connection to an edge
)

// member is an origin as a node of the cluster: it shows its certificate, believes
// those that count, and has the keys of datagrams from the balancers.
type member struct {
	cfg    Config
	deps   Deps
	id     *identity.Bundle
	client *call.Client
	edges  *call.Connections // nil: nothing is delivered
	seals  *wire.DatagramSealer
	turn   atomic.Uint32
	teller *teller // nil: nothing is taken in
}

func newMember(c Config, d Deps) (*member, error) {
	id, err := identity.OpenAs(c.Identity, identity.Origin, c.Name, d.Now)
	if err != nil {
		return nil, fmt.Errorf("--identity: %w", err)
	}
	client := call.NewClient(c.Name, wire.Secret{}, id)
	client.Expect(call.Whose(func() *wire.Placement { return new(wire.Placement) }, c.Balancers...))
	m := &member{cfg: c, deps: d, id: id, client: client}
	if c.Ingest {
		m.teller = newTeller(m)
	}
	return m, nil
}

// toEdges makes a transport one to edges of the cluster, whatever scheme their
// addresses have: an address that a request names is no edge's before it has proved so.
func (m *member) toEdges(t *http.Transport) http.RoundTripper {
	t.DialContext = func(ctx context.Context, _, address string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, edgeDial)
		defer cancel()
		return m.id.Dial(ctx, address, identity.Want{Role: identity.Edge}, identity.ProtocolHTTP)
	}
	t.DialTLSContext = t.DialContext
	m.edges = call.NewConnections(t)
	return m.edges
}

func (m *member) parts() []run.Part {
	parts := []run.Part{{Name: "identity", Run: m.keep}, {Name: "trust", Run: m.follow}}
	if m.teller != nil {
		parts = append(parts, run.Part{Name: "pushes", Run: m.teller.run})
	}
	return parts
}

// follow takes what the cluster says of trust, until ctx ends.
func (m *member) follow(ctx context.Context) error {
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	var told error
	for {
		err := m.anyBalancer(ctx, followLimit, m.takeFrom)
		if err != nil && told == nil && ctx.Err() == nil {
			m.deps.Logger.Warn().Err(err).Msg("no balancer says whom to trust; what was true last counts")
		}
		told = err
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// anyBalancer asks one balancer after the other, until one has answered well.
func (m *member) anyBalancer(ctx context.Context, limit time.Duration, ask func(ctx context.Context, balancer string) error) (err error) {
	turn := int(m.turn.Add(1)) // each hears of this origin, and which certificate it has
	for i := range m.cfg.Balancers {
		balancer := m.cfg.Balancers[(turn+i)%len(m.cfg.Balancers)]
		own, cancel := context.WithTimeout(ctx, limit)
		err = ask(own, balancer)
		cancel()
		if err == nil {
			return nil
		}
	}
	return err
}

// takeFrom goes by what one balancer says.
func (m *member) takeFrom(ctx context.Context, balancer string) error {
	var said wire.Standing
	if err := m.client.Ask(ctx, http.MethodGet, balancer+wire.PathTrust, nil, &said); err != nil {
		return err
	}
	if err := m.id.Follow(said.Trust); err != nil {
		m.deps.Logger.Warn().Err(err).Msg("the cluster's roots are not taken yet")
	}
	if k, ok := said.Datagrams.Find(said.Datagrams.Sealing); ok {
		m.seals.Use(wire.DatagramKey{ID: k.ID, Secret: k.Secret})
	}
	return nil
}

// renew gets this node another certificate.
func (m *member) renew(ctx context.Context, request []byte) (chain, roots []byte, err error) {
	var given wire.Certified
	err = m.anyBalancer(ctx, followLimit, func(ctx context.Context, balancer string) error {
		err := m.client.Ask(ctx, http.MethodPost, balancer+wire.PathRenew, wire.Enrol{Request: string(request)}, &given)
		if err == nil {
			err = m.id.Early([]byte(given.Chain))
		}
		return err
	})
	return []byte(given.Chain), []byte(given.Roots), err
}

// keep keeps the certificate: it is renewed by any balancer.
func (m *member) keep(ctx context.Context) error {
	return m.id.Run(ctx, m.renew, identity.Tell{
		Renewed: func(until time.Time) {
			m.client.Close()
			if m.edges != nil {
				m.edges.Renew()
			}
			m.deps.Logger.Info().Time("until", until).Msg("the certificate is a new one")
		},
		Failed: func(err error) {
			m.deps.Logger.Warn().Err(err).Msg("the certificate could not be renewed; the old one stays")
		},
	})
}

// Nodes is for the listener of nodes: what they find there, and how they are met. nil:
// this origin is no node of a cluster.
func (o *Origin) Nodes() (http.Handler, *tls.Config) {
	if o.member == nil {
		return nil, nil
	}
	gate := &rights.Gate{
		Identity: o.member.id, Rows: rights.OfOrigins,
		Refused: rights.Seldom(func(r *http.Request, err error) {
			o.deps.Logger.Warn().Err(err).Str("from", r.RemoteAddr).Str("path", r.URL.Path).Msg("a node was refused")
		}),
	}
	return gate.Wrap(o.Handler()), o.member.id.Server(identity.ProtocolHTTP)
}
