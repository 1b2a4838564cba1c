// Package upstream is the way to the origins: which server of an upstream is
// asked, over which connection, and whom else when it fails.
//
// Always true:
//   - a request target goes out byte for byte as it was handed in, behind the
//     server's base path;
//   - a request is tried again only while nothing of an answer has been handed on,
//     and one that may change something, or has a body, only when it never left;
//   - the last of several servers is asked even when none is held to be well: an
//     outage is what its own answers say, never a verdict of this package;
//   - tries beyond the first are bounded by a budget, so that an origin that is
//     slow under load does not get twice the load;
//   - no error, log line or metric holds a credential;
//   - an address of a name that fails is no failure of the server while another
//     one answers (RFC 8305); a connection to an address that the name has no more,
//     or that is too old, is not used again.
//
// Guards: Upstreams.groups is an atomic pointer to a list that never changes;
// health, budget and dialer have a mutex each.
//
// May be lost: what is known of the servers' health, at every start.
// Never done here: deciding what is stored (edge/rules), reading bodies
// (edge/fetch).
//
// Goroutines: Run makes health checks. A request with more than one server runs its
// tries in goroutines, which end with their answers or when another one has won;
// a dial likewise its addresses. A look at a name's addresses runs in one, at most
// one a server.
package upstream
