// Command cost measures what a byte costs: the CPU time of a server's process
// tree per request and per GB, tandem beside nginx, Varnish and HAProxy in one
// run. `make bench` runs it and writes the tables of docs/performance.md.
//
// How: everything in one private network namespace with TCP reno, so that no
// pacing timer is charged to the sender; the same client for all, HTTP/1.1
// keep-alive; contenders in turn, A B C A B C, several rounds, medians; figures
// are utime + stime of the server's processes from /proc, divided by requests
// that were answered in full. Absolute figures move from machine to machine;
// the ratios in one run hold to about 15 %.
//
// Always true: a response with a wrong length counts as a failure and fails the
// run; the client's own CPU time is never counted. It needs root.
package main
