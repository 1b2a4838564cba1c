// Package rights decides which node may ask what of another one: the table of roles
// and endpoints, enforced in one place, before a handler sees the request.
//
// Always true:
//   - who asks is who the certificate says, judged anew for each request, so that a
//     revocation counts at once;
//   - what is in no row is asked by nobody;
//   - an edge speaks for itself and for its own pairs alone, and is reached where its
//     certificate says;
//   - without an identity nodes show the cluster's secret, and whoever shows it may
//     do all: that is for one machine, or a network that is the cluster's alone;
//   - a body is bounded before it is read, and is not read for a stranger.
//
// Never done here: certificates (internal/identity), viewers (internal/access),
// operators (internal/operator).
//
// A Gate never changes. The package starts no goroutine.
package rights
