// Package fault is a faulty stretch of network between a balancer and an edge:
// a TCP proxy that breaks HTTP/1.1 answers at a chosen byte of their body. Unit
// tests put it before a server of their own, tandem bench --fault and the
// system tests before a real edge.
//
// Always true: without a fault, bytes pass unchanged in both directions; a
// fault strikes at exactly the byte that it names (what a reset takes back from
// the kernel's queues excepted), and is counted.
//
// May be lost: everything, that is its job.
// Never done here: HTTP beyond finding where the body of an answer begins; so
// requests must not be pipelined.
//
// Goroutines: Open starts one that accepts, and two a connection; Close returns
// when all have ended.
package fault
