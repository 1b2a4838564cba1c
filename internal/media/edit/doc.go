// Package edit is what becomes of a manifest on its way to a viewer: where a
// session's prefix goes in, and how the body is sent with it.
//
// Always true:
//   - what is not a beginning of a URI stays as it is, byte for byte, but for bytes in a URI that none
//     may hold;
//   - the edited body is never made: it is sent out of the one copy, through two
//     small buffers a viewer, and its length is known before its first byte;
//   - an edit costs three bytes, not a copy of its URI.
//
// A Draft is owned by the parser that makes it; Edits never change once they are
// made, and are safe for many goroutines. The package starts no goroutine.
package edit
