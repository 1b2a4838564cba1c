// Package lab makes hosts of network namespaces on one bridge, for trials and
// measurements that need machines of their own: TCP reno without pacing, socket
// buffers as small as asked, a cable that can be taken out.
//
// Always true: nothing of the machine's own network changes; every process and
// namespace that a lab made is gone after Close. It needs root.
//
// The package starts no goroutine.
package lab
