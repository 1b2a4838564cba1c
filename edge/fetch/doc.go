// Package fetch is one request for an object from head to fill: out of the
// store, else from the other member of the pair, else from the origin, into the
// store; and the second copy that the other member gets.
//
// Always true:
//   - a body is complete and of the announced length, or its fill fails (truth 4);
//     it never mixes two versions;
//   - the origin is asked once per object per pair: ring.Filler names who asks
//     (truth 7); a request that comes from a peer never goes to a peer again,
//     but for a range that was lost in datagrams, out of a complete copy;
//   - no viewer is given a live playlist that the partner does not hold, as long
//     as the partner answers within the limit, and none is given one that goes back
//     (truth 5);
//   - of an object both members of a pair say the same, validator and other fields
//     included;
//   - what may not be stored goes to the request that fetched it (pass-through), and
//     who joined asks for itself.
//
// Guards: View's mutex guards who is left alone; the placement is an atomic
// pointer to a value that never changes; a passThrough has its own mutex.
//
// May be lost: a hint to the partner; the next comparison of inventories makes up
// for it.
// Never done here: writing to a viewer (edge), choosing an edge, touching files
// (segstore).
//
// Goroutines: Run starts hints and copies. A fill runs in a goroutine of the store.
package fetch
