// Package front reads HTTP/1.1 requests on event loops of its own and answers
// most of them there: one epoll a processor, no goroutine and no buffer for a
// connection that is idle. It stands before an http.Handler and takes from it
// what needs no waiting.
//
// A request goes one of two ways:
//   - quick: a Quick answers it on the loop, or takes the connection over for as
//     long as the answer lasts (a balancer's relay);
//   - away: whatever may wait, and what has a body, goes to the Handler, in a goroutine
//     of its own, and the connection comes back to the loop when the answer is written.
//
// What speaks TLS is neither: it is handed over to another listener (Others), if there
// is one.
//
// Always true:
//   - a head is read one way or refused (RFC 9112; internal/h1): what follows a refused
//     one is never read, and a body is never taken for a request: what a Handler has
//     not read of it ends the connection, and a malformed one is refused with 400
//     whatever the Handler says;
//   - answers go out in the order of their requests, one at a time;
//   - an answer is whole, or its connection is reset (truth 4);
//   - a loop never waits: not for the disk (a page that is not in memory sends the
//     request away), not for a lock that is held while somebody waits;
//   - when the kernel holds too much for clients that do not take it, the worst are reset
//     (Config.Held);
//   - where much is to do clients have a loop in turn, the one first that was given least: who
//     asks for much waits for himself (internal/front/fair);
//   - a descriptor is closed by its loop only, so nobody writes into another's.
//
// Guards: a Conn is owned by its loop, but while a goroutine has it away, which
// uses a descriptor of its own for the same socket; the loop then only cancels it.
// Loop.Post is the one way in from outside.
//
// Never done here: what an answer says (edge, lb); reading the body of a request
// (internal/front/incoming); calls of the system (internal/front/kernel).
//
// With Config.TLS a goroutine does the handshake; then the loop reads and seals records as
// it reads and writes bytes, and what the socket does not take of them is kept. A client
// that has chosen HTTP/2 goes to internal/front/streams with its socket, and is counted here.
//
// Handshakes, and what speaks HTTP/2, have turns by client (internal/front/turns).
//
// Goroutines: one a loop, one a request that is away, one a handshake, those of streams;
// all have ended when Close returns.
package front
