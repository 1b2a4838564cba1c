// Package cachekey names objects: by the target that they are asked for with.
//
// Always true:
//   - two targets have one key only where RFC 3986 section 6.2.2 says that they are
//     the same: escapes in upper case, unreserved characters not escaped, dot
//     segments gone. Nothing else is decoded, merged or dropped: "%2F", "//", "+"
//     and "(" stay what they were, no path becomes a query;
//   - a key is a target: it goes to the origin as it is;
//   - no key climbs, however an origin reads it ("..%2F", "..\", "..;");
//   - a key is at most MaxKey bytes long, and a key's key is itself.
//
// Pure. The package starts no goroutine.
package cachekey
