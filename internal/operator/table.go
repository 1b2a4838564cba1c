package operator

import "net/http"

// Row says which role may use an endpoint. Path is a pattern of http.ServeMux.
type Row struct {
	Method string
	Path   string
	Role   Role
}

// Common are the endpoints of every node's admin listener.
var Common = []Row{
	{"GET", "/livez", Nobody},
	{"GET", "/readyz", Nobody},
	{"GET", "/metrics", Viewer},
	{"GET", "/debug/pprof/", Admin},
	{"POST", "/debug/pprof/", Admin},
}

// table finds the row of a request.
type table struct {
	mux  *http.ServeMux
	role map[string]Role // by pattern
}

func newTable(rows []Row) table {
	t := table{mux: http.NewServeMux(), role: map[string]Role{}}
	for _, row := range rows {
		pattern := row.Method + " " + row.Path
		t.mux.Handle(pattern, http.NotFoundHandler())
		t.role[pattern] = row.Role
	}
	return t
}

// needs is the role that a request needs. What is in no row is for admins.
func (t table) needs(r *http.Request) Role {
	_, pattern := t.mux.Handler(r)
	if role, ok := t.role[pattern]; ok {
		return role
	}
	return Admin
}
