// Package protected tells what of an origin is served to nobody who was not let in:
// everything below certain prefixes. A balancer lets viewers in, by its policy
// (internal/access); whoever serves asks here what a session reaches then.
//
// Always true:
//   - the longest prefix decides alone, and one may be open inside a protected one;
//   - a path is compared as the most generous origin would read it (Canonical), so no
//     spelling leads past a prefix;
//   - a session reaches what lies under the same prefix as its stream, and in the
//     folders that it was let into: nothing of another prefix;
//   - without prefixes all is open, and asking costs nothing.
//
// Pure. Paths never change. The package starts no goroutine.
package protected
