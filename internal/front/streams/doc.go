// Package streams answers HTTP/2 (RFC 9113) on connections that somebody else has accepted,
// and whose client has chosen it: it reads frames, gives each request to an http.Handler,
// and writes what that answers.
//
// Always true:
//   - what a client may hold here is bounded: Config.Streams requests at once, and as many
//     handlers again of those that were answered, or that it has given up; 64 KB of their bodies;
//     one head, of at most Config.Limits.Head bytes; and what waits to be written is at
//     most outMost bytes. Who takes nothing holds up whoever answers him, and no memory;
//   - a request is read as strictly as one by HTTP/1.1 (internal/front/h2), or its stream,
//     or the connection, is reset with RFC 9113's code;
//   - an answer is whole, or its stream is reset (truth 4);
//   - frames of one stream go out in their order, and no stream waits for another one but
//     for the connection's window and its writes.
//
// A request begins, and what is ready is written, in its client's turn (Conn). Frames that are
// ready at once go out in one write. Who has made them writes them, and those that others have
// made meanwhile: there is no goroutine that only writes.
//
// Guarded by conn.mu: streams, windows, what waits to be written. The framer, with HPACK's
// table of the client, is the reader's. Heads of answers refer to no table but the static
// one (RFC 7541 section 6.2.2): there is nothing to keep in step.
//
// Never done here: TLS and the socket (internal/front); whether a client sends too much
// that asks for nothing (h2.Meter); what an answer says.
//
// Goroutines: Serve's own, which reads; one a request, which is kept for other connections'
// requests until Close; one that writes what the writer's turn has left. No other is at work
// for a connection when Serve returns.
package streams
