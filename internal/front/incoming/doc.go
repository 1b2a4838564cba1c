// Package incoming reads the body of a request for its Handler, in a goroutine of it.
//
// Always true:
//   - what is behind the body is not read for it, and stays for the next request;
//   - a client that sends slower than it may is not waited for, and only the time counts in
//     which it was waited for;
//   - a body that is malformed, or comes too slowly, is refused as a malformed head is:
//     Refused says how, to whoever answers.
//
// Guarded by a mutex: a Handler may read in another goroutine than it answers in. Starts
// no goroutine.
package incoming
