// Package h1 reads HTTP/1.1 as RFC 9112 and RFC 9110 write it: heads of requests
// and of answers, chunks, Range and Content-Range. It is the one place where this
// is done, for viewers, between nodes, and towards origins.
//
// Always true:
//   - bytes are read in one way or refused: where two readers could differ on where a
//     message ends, it is refused (RFC 9112 section 11.2);
//   - an outcome depends on the bytes alone, never on how they arrive or on what
//     follows the message;
//   - what a stranger sends is bounded in bytes and in fields (Limits); nothing is
//     allocated but the one copy of a request's head, and a list of its fields;
//   - an error is a *Malformed with a fixed text: nothing of what was sent is in it.
//
// Never done here: reading from a connection, and what a field means that does not
// say where a message ends.
//
// The package starts no goroutine, and guards nothing: a value is its user's alone.
package h1
