// Package multicast hears the group to which the origin sends objects once for
// all members (claim 6), puts them together and has what was lost repaired by
// HTTP ranges.
//
// Always true: what comes in datagrams is authenticated, counts once, is bounded, stored
// only for streams of this edge's pairs, and only with the digest that the origin named.
//
// Guards: assemblies.mu guards which objects are coming, assembly.mu one of them.
//
// May be lost: any datagram. Never done here: asking for what nobody fills.
//
// Goroutines: Run hears the group, with a child for each object that another edge
// asked for, and returns when all have ended.
package multicast
