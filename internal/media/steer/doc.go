// Package steer is what players are told that may fetch a session's media from the
// edges themselves: the ways there are (content steering,
// draft-pantos-content-steering, ETSI TS 103 998), and which of them is the best
// one now. hls and dash write an Offer into the entry; a List is the steering
// manifest, which players ask for again and again.
//
// Always true:
//   - a way has one id for ever, and every way that an entry offers stays in the
//     list, last where it leads nowhere now: a player of MPDs that finds none of its
//     ways in a list ends;
//   - what leads to another host than ours is offered no other way.
//
// Pure: the package starts no goroutine and asks nobody.
package steer
