// Package h2 has the rules for HTTP/2 that a server's library leaves to others: what HTTP/1.1
// of ours refuses, and frames that ask for nothing. internal/front/streams keeps them by
// itself; net/http's server, which operators' listeners have, is guarded.
//
// Always true:
//   - a connection's client sends at most Free bytes, and as many more as its requests
//     have, their bodies, and an eighth of what it was sent: what else there is are
//     settings, priorities, resets, empty frames, which cost CPU time and no answer. Who
//     sends more is cut off. Windows that are opened for each frame are well below that;
//   - a request with more fields than one by HTTP/1.1 may have is 431;
//   - one whose Host is another than its :authority (RFC 9113 section 8.3.1), or whose
//     Content-Length is no number, or another one than that of its body's bytes (8.1.1),
//     or whose target has a byte that no URI has, is 400.
//
// Guards: a Meter is atomic.
//
// The package starts no goroutine.
package h2
