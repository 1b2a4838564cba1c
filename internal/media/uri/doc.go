// Package uri knows what a URI of a manifest is to a session: whether it leads out
// of it, and how it is led back; and what a request's target is called, whatever
// way it is spelled.
//
// Always true:
//   - what is led leads to the prefix and the very target that it led to before
//     (RFC 3986 section 5.2), however it is spelled: dot segments, escapes, hosts
//     with default ports, dots, userinfo;
//   - the normal form of a target is that of RFC 3986 section 6.2.2: nothing is
//     decoded, merged or dropped that means something else;
//   - nothing takes longer than its text is long.
//
// An Origin never changes. The package starts no goroutine.
package uri
