// Package lives keeps what an edge has to know of its former lives: the incarnation that
// it had, and up to which purge it has carried them out.
//
// Always true:
//   - an incarnation is higher than any before it, also where the clock went back;
//   - a number is written whole or not at all.
//
// May be lost: a number that can't be written, which is logged.
// Never done here: deciding when a new life begins.
//
// The package starts no goroutine.
package lives
