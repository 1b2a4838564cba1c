// Package entire is the word for an object that is to be had whole, as an error and as what
// one neighbour tells the other.
//
// Always true: what was heard is what was said; of a word that nobody knows nothing was.
//
// Pure. It starts no goroutine.
package entire
