// Package outgoing writes the answer of a request that is away: it is the Handler's
// http.ResponseWriter.
//
// Always true: an answer is whole, or it is told that it is not, and its connection has to be reset
// (truth 4 of internal/front); a request whose body is malformed is refused, whatever the Handler says.
//
// An Answer is one goroutine's. Starts none.
package outgoing
