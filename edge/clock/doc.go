// Package clock is the time of day by which edges tell each other when a session was seen
// and how long a copy is fresh: the balancers', where an edge's own is another one.
//
// Always true:
//   - a difference of up to Tolerance counts for nothing: clocks that are kept (NTP) are as
//     they are;
//   - of several balancers the middle one counts, and this machine's own with them where
//     they are an even number: one clock that is wrong changes nothing at anybody else;
//   - a machine's clock that is set while the process runs moves no time at once: it goes on
//     as it did, until balancers' answers say otherwise.
//
// Certificates are judged by the machine's own clock: no balancer's word makes one good.
//
// Guards: Clock.mu; what is read for each request is atomic.
//
// The package starts no goroutine.
package clock
