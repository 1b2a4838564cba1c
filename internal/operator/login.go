package operator

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"time"

	"tandem/internal/call"
)

// Paths of logins.
const (
	authPath     = "/auth/"
	callbackPath = "/auth/callback"
)

// Self is what somebody may know of themselves: GET /auth/me.
type Self struct {
	Name  string   `json:"name"`
	Role  string   `json:"role"`
	By    string   `json:"by"`
	Login []string `json:"login"` // ways to log in: token, oidc
}

const maxLogin = 4096 // bytes of a login's body

func (g *Gate) logins() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /auth/me", g.handleMe)
	mux.HandleFunc("POST /auth/login", g.handleLogin)
	mux.HandleFunc("POST /auth/logout", g.handleLogout)
	mux.HandleFunc("GET /auth/oidc", g.handleOIDC)
	mux.HandleFunc("GET "+callbackPath, g.handleCallback)
	mux.HandleFunc("/auth/", func(w http.ResponseWriter, _ *http.Request) {
		call.RefuseNode(w, http.StatusNotFound, call.ReasonUnused, "no such path")
	})
	return mux
}

// AuthRows are the rows of logins: who is nobody yet needs them.
var AuthRows = []Row{
	{"GET", "/auth/me", Nobody},
	{"POST", "/auth/login", Nobody},
	{"POST", "/auth/logout", Nobody},
	{"GET", "/auth/oidc", Nobody},
	{"GET", callbackPath, Nobody},
}

func (g *Gate) handleMe(w http.ResponseWriter, r *http.Request) {
	p := g.who(g.shownBy(r))
	self := Self{Name: p.Name, Role: p.Role.String(), By: p.By, Login: []string{}}
	if f := g.file.Load(); f != nil {
		if len(f.tokens) > 0 {
			self.Login = append(self.Login, "token")
		}
		if f.oidc != nil {
			self.Login = append(self.Login, "oidc")
		}
	}
	w.Header().Set("Cache-Control", "no-store")
	call.Reply(w, http.StatusOK, self)
}

// handleLogin takes a token for a cookie.
func (g *Gate) handleLogin(w http.ResponseWriter, r *http.Request) {
	if !g.hostKnown(r.Host) {
		refuseHost(w)
		return
	}
	if g.foreign(r) != nil {
		call.RefuseNode(w, http.StatusForbidden, "cross_origin", "a login is not taken from another site's page")
		return
	}
	var given struct {
		Token string `json:"token"`
	}
	f := g.file.Load()
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxLogin)).Decode(&given); err != nil || f == nil {
		call.RefuseNode(w, http.StatusBadRequest, call.ReasonBody, `want {"token": "..."}`)
		return
	}
	p, ok := f.who(given.Token)
	if !ok {
		g.guessed(r)
		call.RefuseNode(w, http.StatusUnauthorized, "login", "nobody has this token")
		return
	}
	g.enter(w, sealed{Token: hashOf(given.Token)}, p.Name)
	p.By = "login"
	g.audit(r, p, http.StatusOK)
	call.Reply(w, http.StatusOK, Self{Name: p.Name, Role: p.Role.String(), By: p.By, Login: []string{}})
}

// enter lets somebody in.
func (g *Gate) enter(w http.ResponseWriter, v sealed, name string) {
	v.ID, v.Name, v.Expires = rand.Text(), name, g.deps.Now().Add(sessionLife).Unix()
	http.SetCookie(w, g.cookie(g.cookieName("session"), g.seals.Load().seal("session", v), sessionLife, http.SameSiteStrictMode))
	w.Header().Set("Cache-Control", "no-store")
}

func (g *Gate) handleLogout(w http.ResponseWriter, r *http.Request) {
	if g.foreign(r) != nil {
		call.RefuseNode(w, http.StatusForbidden, "cross_origin", "a logout is not taken from another site's page")
		return
	}
	g.leave(g.shownBy(r))
	http.SetCookie(w, g.cookie(g.cookieName("session"), "", time.Second, http.SameSiteStrictMode))
	w.WriteHeader(http.StatusNoContent)
}
