// Package rightstest compares the routes of a node with the table of who may ask for them,
// for the tests of those who declare them.
//
// The package starts no goroutine.
package rightstest

import (
	"net/http"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"tandem/internal/rights"
	"tandem/internal/wire"
)

// Routes fails for a route below /_tandem/ without a row, and for a row there without a
// route.
func Routes(t *testing.T, routes chi.Routes, rows []rights.Row) {
	t.Helper()
	used := map[string]bool{}
	for _, row := range rows {
		if strings.HasPrefix(row.Path, wire.Internal) {
			used[row.Method+" "+row.Path] = false
		}
	}
	if len(used) == 0 {
		t.Fatal("there are no rows")
	}
	err := chi.Walk(routes, func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		route = strings.TrimSuffix(route, "*")
		if !strings.HasPrefix(route, wire.Internal) || route == wire.Internal { // what is left there is refused
			return nil
		}
		if _, ok := used[method+" "+route]; !ok {
			t.Errorf("%s %s is in no row of the table: nobody may ask for it", method, route)
		}
		used[method+" "+route] = true
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for row, is := range used {
		if !is {
			t.Errorf("%s is in the table and nowhere else", row)
		}
	}
}
