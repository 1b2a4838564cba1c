package api

import "tandem/internal/operator"

// Roles says who may use which endpoint of the admin listener. What is not here is
// for admins alone.
var Roles = []operator.Row{
	{Method: "GET", Path: "/{$}", Role: operator.Nobody}, // the page, with nothing in it
	{Method: "GET", Path: "/index.html", Role: operator.Nobody},
	{Method: "GET", Path: "/assets/", Role: operator.Nobody},
	{Method: "GET", Path: Prefix + "/openapi.json", Role: operator.Nobody},

	{Method: "GET", Path: Prefix + "/status", Role: operator.Viewer},
	{Method: "GET", Path: Prefix + "/edges", Role: operator.Viewer},
	{Method: "GET", Path: Prefix + "/pairs", Role: operator.Viewer},
	{Method: "GET", Path: Prefix + "/streams", Role: operator.Viewer},
	{Method: "GET", Path: Prefix + "/sessions", Role: operator.Viewer},
	{Method: "GET", Path: Prefix + "/receipts", Role: operator.Viewer},
	{Method: "GET", Path: Prefix + "/events", Role: operator.Viewer},
	{Method: "GET", Path: Prefix + "/history", Role: operator.Viewer},
	{Method: "GET", Path: Prefix + "/demo", Role: operator.Viewer},
	{Method: "GET", Path: Prefix + "/keys", Role: operator.Viewer},
	{Method: "GET", Path: Prefix + "/edges/{edge}/drain", Role: operator.Viewer},
	{Method: "GET", Path: Prefix + "/edges/{edge}/remove", Role: operator.Viewer},
	{Method: "GET", Path: Prefix + "/edges/{edge}/accept", Role: operator.Viewer},

	{Method: "POST", Path: Prefix + "/edges/{edge}/drain", Role: operator.Operator},
	{Method: "POST", Path: Prefix + "/edges/{edge}/resume", Role: operator.Operator},
	{Method: "POST", Path: Prefix + "/edges/{edge}/remove", Role: operator.Operator},
	{Method: "POST", Path: Prefix + "/edges/{edge}/accept", Role: operator.Operator},
	{Method: "DELETE", Path: Prefix + "/sessions/{session}", Role: operator.Operator},
	{Method: "POST", Path: Prefix + "/streams/unplace", Role: operator.Operator},
	{Method: "POST", Path: Prefix + "/purge", Role: operator.Operator},
	{Method: "POST", Path: Prefix + "/admission", Role: operator.Operator},
	{Method: "POST", Path: Prefix + "/demo/nodes/{node}/{act}", Role: operator.Operator},
	{Method: "POST", Path: Prefix + "/reload", Role: operator.Operator},
	{Method: "GET", Path: Prefix + "/upstreams", Role: operator.Operator}, // they may hold credentials

	{Method: "GET", Path: Prefix + "/audit", Role: operator.Admin},
	{Method: "PUT", Path: Prefix + "/upstreams", Role: operator.Admin},
	{Method: "DELETE", Path: Prefix + "/balancers/{balancer}", Role: operator.Admin},
	{Method: "POST", Path: Prefix + "/balancers/{balancer}/move", Role: operator.Admin},
	{Method: "GET", Path: Prefix + "/cluster/backup", Role: operator.Admin},
	{Method: "POST", Path: Prefix + "/cluster/restore", Role: operator.Admin},
	{Method: "POST", Path: Prefix + "/cluster/recover", Role: operator.Admin},
	{Method: "POST", Path: Prefix + "/keys/{purpose}/rotate", Role: operator.Admin},
	{Method: "DELETE", Path: Prefix + "/keys/{purpose}/{key}", Role: operator.Admin},
	{Method: "POST", Path: Prefix + "/tickets", Role: operator.Admin},
	{Method: "POST", Path: Prefix + "/nodes/{node}/revoke", Role: operator.Admin},
	{Method: "POST", Path: Prefix + "/authority/{step}", Role: operator.Admin},
}
