// Package sealedhead lets a balancer ask an edge on connections that are not encrypted:
// the heads of requests and of answers are sealed (AES-256-GCM), bodies go as they are,
// so that the kernel can move them. It is the operator's choice (--node-media plain). wire.PathSealed is where.
//
// Always true:
//   - the key of a grant was drawn by the edge and given to one balancer over TLS, where
//     both had shown their certificates; it lives for minutes and stands on no disk;
//   - a sealed request has a number of its own under its key: it opens once, at the edge
//     that granted the key, while the balancer's certificate counts; one that was
//     changed, played back, or led to another edge opens nothing and is counted;
//   - the answer's head is sealed under the request's number and says how long the body
//     is: it answers that request and no other;
//   - who listens sees sizes and bodies; who is in between can change bodies, cut and
//     delay, and nothing else.
//
// Guarded by: Grants and Tickets have a mutex each; a ticket's number is atomic.
//
// May be lost: grants, with the edge's process; balancers ask by TLS until they have
// another one.
//
// Never done here: what may be answered so (edge), and what is asked for so (lb/proxy).
//
// Goroutines: one a grant that is asked for, which Tickets.Run waits for.
package sealedhead
