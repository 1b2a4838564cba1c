// Package h1test holds HTTP/1.1 as strangers send it, for the tests of whoever reads it:
// heads that have to be refused, and the requests of which RFC 9110 and RFC 9112 say
// what has to come of them.
//
// Always true: a row names the RFC and the section that it is from; nothing of the code
// that is tested is used here.
//
// The package starts no goroutine but those of the tests that call it.
package h1test
