// Package obs is what every node shows of itself: its log, its metrics, its
// health and its profiles, on the admin listener.
//
// Always true: /livez answers as long as the process can answer at all and asks
// nobody; /readyz says in one line why a node is not ready; nothing here is
// mounted on a listener for viewers. A text that is logged again and again is written a
// few times and then counted; errors, operators' orders and changes of the cluster are
// always written.
//
// The package starts no goroutine; a timer runs while lines are counted.
package obs
