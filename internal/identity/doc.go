// Package identity gives every node of a cluster a name that others can check:
// a certificate authority, certificates with a node's name and role, tickets by
// which a node gets its first one, and mutual TLS 1.3 between nodes.
//
// A name is a URI in the certificate (SPIFFE), spiffe://CLUSTER/ROLE/NODE; the
// addresses beside it are the only ones at which a node may say that it is
// reached.
//
// Always true:
//   - a private key never leaves the process that drew it, but for the
//     authority's own, which balancers hand to balancers;
//   - a certificate is good for what is in it and nothing else: whoever signs
//     takes the public key from a request, and name, role and addresses from a
//     ticket or from the certificate that is renewed;
//   - a certificate counts only if a root that is trusted now issued it, the time
//     lies within its life, and its name was not revoked after it was issued;
//   - what counts is judged anew for each request that comes in, so that neither a
//     revocation nor a root that is dropped waits for the end of a connection;
//   - a TLS session is resumed only while roots, revocations and both certificates are
//     those that it began with;
//   - an error says cause and mend in one line, and holds nothing secret;
//   - certificate and key change together, by one rename, and a connection that is
//     open stays open.
//
// Never done here: deciding who may do what (internal/rights), carrying tickets
// and revocations to others (raftfsm).
//
// Guards: what is current is an atomic pointer to a value that never changes.
// Goroutines: none but the caller's; Bundle.Run is a loop of its owner's.
package identity
