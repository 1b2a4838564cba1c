// Package proxy carries one response from an edge to a viewer, whatever happens
// to the edge on the way: it asks the edge that the tables name, finds out when
// that one fails or stalls, and finishes the response from another one.
//
// Always true:
//   - a response that was begun is finished byte for byte from whoever holds the
//     same strong version, or, while it grows, gets one that begins with the same bytes, or
//     the viewer's connection is broken visibly;
//   - nothing is waited for but bytes: no commit, no lock, no other room;
//   - what is asked twice never grows into a second load (budget.go);
//   - a request under which two edges died is asked of no third one (cause.go);
//   - all is bounded in bytes: heads, buffers, pipes, connections kept idle, and what the
//     kernel has received for a viewer who does not take it (eager.go), which its server
//     can weigh (taker.go).
//
// Two ways for bytes: Splicer, on the loops of internal/front, for what is ordinary
// (splice*.go), and Proxy.Serve, in goroutines, for everything else
// and for what a splice hands off (response.go, attempt.go, hedge.go).
// They share one kind of connection to an edge and of pool (upstream), one
// reader of its answers (answer.go, by internal/h1), one rule for its silence
// (silence), and one state: what the viewer was promised and how far the edge is
// (promise.go, exchange.go), which a hand-off passes on as it is. A splice only notices;
// taking over is the goroutine's.
//
// Guarded by: the budget has a mutex, and so have pools (upstream); a splice is
// its loop's; a response is owned by the goroutine that serves it, and attempts
// that run beside it only read it.
//
// Never done here: an edge is not chosen and not declared dead; the rooms above say
// whom to ask and hear which edge failed and why.
//
// Goroutines: Proxy.Run closes idle connections; a hedged request has one an
// attempt, a connection that is being opened one, ended before Serve returns; a look-up of an edge's name for a loop ends
// by itself after 5 s at the latest.
package proxy
