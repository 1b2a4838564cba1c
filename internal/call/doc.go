// Package call is how nodes of a cluster talk: JSON requests that carry the
// cluster's secret, JSON answers, the body and the words of a refusal, and what
// browsers' players need on an answer (CORS).
//
// Always true: where nodes have names, who answers is whom the placement has at that
// address, or nothing is said; no body is read beyond a stated bound in bytes; an error answer is
// one line for people and one word for programs; a value that all answers share
// is never changed.
//
// Never done here: nothing is retried, and nobody is chosen; a caller names one
// node and gets its answer or its error.
//
// Guarded by: a Client may be used by many goroutines; everything else is
// functions. The package starts no goroutine but those of net/http.
package call
