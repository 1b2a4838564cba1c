// Package mutations is the list of lines whose breaking a test must notice: for
// claims of the document (docs/claims.md) and truths of this project, one line each
// that is broken, how, and the test that has to fail by it.
//
// Always true:
//   - the text that a row breaks stands in its file exactly once, and what it is broken
//     to is another one: a row that no longer applies fails the package's test;
//   - the test that a row names is there and, for a claim, is named by the claim's row
//     on the page;
//   - nothing is changed in the sources: a broken file is a copy that only the compiler
//     of the one test run sees (go test -overlay).
//
// `make mutate` breaks all of them, one after the other, and says which were noticed.
// The package's test breaks a few, others each day; TANDEM_MUTATE says otherwise: all,
// a number, or claim N.
//
// The package starts no goroutine.
package mutations
