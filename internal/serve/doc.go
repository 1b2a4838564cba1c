// Package serve is where a process meets its network: it opens listeners, serves
// on them, and ends them so that what is in flight ends first.
//
// Always true:
//   - only this package opens the listeners of a role; a role is given what comes
//     in on them;
//   - an error of listening names the setting and says what would be right;
//   - a listener that is not abrupt is closed first and then waits, at most the
//     drain time, for what is in flight.
//
// Goroutines: one a listener while its Part runs, which has ended when that
// returns.
package serve
