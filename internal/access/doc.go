// Package access decides who may open which stream: viewers' tokens (signed URLs,
// JWT, CAT), addresses and countries, by the prefix of the path.
//
// It is asked once, when a session is opened; the session's own token carries on
// what was granted: until when (Grant.Until), and below which folder of the
// entry (Grant.Scope). Within a session internal/protected alone is asked, which
// looks at no viewer's token.
//
// Always true:
//   - the rule of the longest prefix decides, alone; a path without a rule is open;
//   - a token that is not understood to its end opens nothing: an unknown
//     algorithm, a restriction that can't be checked, a claim of another type;
//   - a key opens only what its kind may seal: a public key is never taken for a
//     secret (RFC 8725);
//   - what a token may cost is bounded in bytes before it is parsed;
//   - a refusal says to the viewer what is missing, and never a part of a token or a
//     key;
//   - a viewer's token reaches neither the origin nor a stream's name: Grant.Target
//     is the target without it.
//
// Pure but for Load, which reads files, and Open of a policy with a geo file, which
// reads its pages.
//
// Never done here: sessions (lb), telling an address from a proxy's (lb).
//
// A Policy never changes. The package starts no goroutine.
package access
