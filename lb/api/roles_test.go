package api

import (
	"net/http"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"tandem/raftfsm"
)

// Every route has its row, and every row its route: a new order is not for whoever
// happens to come by, and none is for admins alone because it was forgotten.
func TestEveryRouteHasItsRole(t *testing.T) {
	known := map[string]bool{}
	for _, row := range Roles {
		if strings.HasPrefix(row.Path, Prefix) {
			known[row.Method+" "+row.Path] = false
		}
	}
	r := chi.NewRouter()
	r.Route(Prefix, (&API{deps: Deps{Node: new(raftfsm.Node)}}).routes)
	err := chi.Walk(r, func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		if _, ok := known[method+" "+route]; !ok {
			t.Errorf("%s %s has no role", method, route)
		}
		known[method+" "+route] = true
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for row, used := range known {
		if !used {
			t.Errorf("%s has a role and no route", row)
		}
	}
}
