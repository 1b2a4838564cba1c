package operator

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"tandem/internal/call"
)

const (
	loginLife = 10 * time.Minute // for somebody to log in at the issuer
	oidcLimit = 5 * time.Second  // for the issuer to answer
)

// providers keeps what issuers say of themselves: where they are asked, which does not
// change, and their keys, which are asked for anew when a token names another one. Keys
// that are known stay while that fails. Who waits for one issuer holds up nobody else.
type providers struct {
	transport http.RoundTripper // nil: the usual one

	mu    sync.Mutex
	known map[string]*oidc.Provider // guarded by mu; by issuer
	asked map[string]*question      // guarded by mu; issuers that are being asked
}

// question is one to an issuer, for everybody who waits for its answer.
type question struct {
	answered chan struct{}
	provider *oidc.Provider
	err      error
}

func (p *providers) of(ctx context.Context, issuer string) (*oidc.Provider, error) {
	p.mu.Lock()
	found, q := p.known[issuer], p.asked[issuer]
	first := found == nil && q == nil
	if first {
		q = &question{answered: make(chan struct{})}
		if p.asked == nil {
			p.known, p.asked = map[string]*oidc.Provider{}, map[string]*question{}
		}
		p.asked[issuer] = q
	}
	p.mu.Unlock()
	switch {
	case found != nil:
		return found, nil
	case first: // for the others too: it is asked to the end, whoever leaves
		p.ask(context.WithoutCancel(ctx), issuer, q)
	}
	select {
	case <-q.answered:
		return q.provider, q.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// ask asks an issuer, which has oidcLimit.
func (p *providers) ask(ctx context.Context, issuer string, q *question) {
	q.provider, q.err = oidc.NewProvider(oidc.ClientContext(ctx, p.client()), issuer) // its keys are fetched by the same client, later
	p.mu.Lock()
	defer p.mu.Unlock()
	if delete(p.asked, issuer); q.err == nil {
		p.known[issuer] = q.provider
	}
	close(q.answered)
}

func (c *oidcConfig) oauth(p *oidc.Provider) *oauth2.Config {
	return &oauth2.Config{
		ClientID: c.clientID, ClientSecret: c.clientSecret, RedirectURL: c.redirect, Endpoint: p.Endpoint(), Scopes: []string{oidc.ScopeOpenID, "profile", "email", "groups"},
	}
}

// handleOIDC sends a browser to the issuer (code flow with PKCE).
func (g *Gate) handleOIDC(w http.ResponseWriter, r *http.Request) {
	f := g.file.Load()
	if f == nil || f.oidc == nil {
		call.RefuseNode(w, http.StatusNotFound, call.ReasonUnused, "no issuer is set")
		return
	}
	provider, err := g.oidc.of(r.Context(), f.oidc.issuer)
	if err != nil {
		g.deps.Tell(fmt.Errorf("the issuer of logins can't be asked: %w", err))
		call.RefuseNode(w, http.StatusBadGateway, "oidc", "the issuer of logins does not answer; use a token")
		return
	}
	v := sealed{State: rand.Text(), Nonce: rand.Text(), Proof: oauth2.GenerateVerifier(), Expires: g.deps.Now().Add(loginLife).Unix()}
	// Lax: the browser comes back from the issuer's page.
	http.SetCookie(w, g.cookie(g.cookieName("login"), g.seals.Load().seal("login", v), loginLife, http.SameSiteLaxMode))
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, f.oidc.oauth(provider).AuthCodeURL(v.State, oidc.Nonce(v.Nonce), oauth2.S256ChallengeOption(v.Proof)), http.StatusFound)
}

// entered is the page after a login: a step within the site, so that the browser
// sends the strict cookie from here on.
const entered = `<!doctype html><meta http-equiv="refresh" content="0;url=/"><title>tandem</title><a href="/">tandem</a>`

// handleCallback takes the issuer's word for who it is.
func (g *Gate) handleCallback(w http.ResponseWriter, r *http.Request) {
	p, groups, err := g.identify(r)
	if err != nil {
		g.deps.Tell(fmt.Errorf("a login was refused: %w", err))
		call.RefuseNode(w, http.StatusForbidden, "oidc", "the login was refused: "+err.Error())
		return
	}
	http.SetCookie(w, g.cookie(g.cookieName("login"), "", time.Second, http.SameSiteLaxMode))
	g.enter(w, sealed{By: p.By, Issuer: g.file.Load().oidcIssuer(), Groups: groups}, p.Name)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write([]byte(entered)) // who has gone can't be told
}

var (
	errStep  = errors.New("it was not begun here, or too long ago; begin anew")
	errIssue = errors.New("the issuer did not confirm it")
	errGroup = errors.New("none of your groups has a role here")
)

func (g *Gate) identify(r *http.Request) (Person, []string, error) {
	f := g.file.Load()
	c, err := r.Cookie(g.cookieName("login"))
	if f == nil || f.oidc == nil || err != nil {
		return Person{}, nil, errStep
	}
	v, ok := g.seals.Load().open("login", c.Value, g.deps.Now())
	if !ok || v.State == "" || r.URL.Query().Get("state") != v.State {
		return Person{}, nil, errStep
	}
	ctx, cancel := context.WithTimeout(r.Context(), oidcLimit)
	defer cancel()
	provider, err := g.oidc.of(ctx, f.oidc.issuer)
	if err != nil {
		return Person{}, nil, errIssue
	}
	tokens, err := f.oidc.oauth(provider).Exchange(oidc.ClientContext(ctx, g.oidc.client()), r.URL.Query().Get("code"), oauth2.VerifierOption(v.Proof))
	if err != nil {
		return Person{}, nil, errIssue // not wrapped: it may quote what the issuer said
	}
	raw, _ := tokens.Extra("id_token").(string)
	id, err := provider.Verifier(&oidc.Config{ClientID: f.oidc.clientID, Now: g.deps.Now}).Verify(ctx, raw)
	if err != nil || id.Nonce != v.Nonce {
		return Person{}, nil, errIssue
	}
	var claims map[string]any
	if err := id.Claims(&claims); err != nil || id.Subject == "" {
		return Person{}, nil, errIssue
	}
	if party, said := claims["azp"]; said && party != f.oidc.clientID { // OpenID Connect Core, section 3.1.3.7
		return Person{}, nil, errIssue
	}
	return f.oidc.person(id.Subject, claims)
}

// person reads name and role out of an ID token, and which groups give the role.
func (c *oidcConfig) person(subject string, claims map[string]any) (Person, []string, error) {
	p := Person{Name: cut(subject), By: "oidc"}
	if name, _ := claims["email"].(string); name != "" && claims["email_verified"] == true {
		p.Name = cut(name) // else it may be what somebody likes to be called
	}
	values, _ := claims[c.claim].([]any)
	if one, ok := claims[c.claim].(string); ok {
		values = []any{one}
	}
	var groups []string
	for _, v := range values {
		if text, ok := v.(string); ok && c.roles[text] != Nobody && !slices.Contains(groups, text) {
			groups = append(groups, text)
		}
	}
	if p.Role = c.roleOf(groups); p.Role == Nobody {
		return Person{}, nil, errGroup
	}
	return p, groups, nil
}

// roleOf is the highest role that groups give.
func (c *oidcConfig) roleOf(groups []string) (role Role) {
	for _, group := range groups {
		role = max(role, c.roles[group])
	}
	return role
}
