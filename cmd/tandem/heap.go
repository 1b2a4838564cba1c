package main

import "runtime"

// heapFloor is in bytes.
const heapFloor = 32 << 20

// raiseHeap keeps the heap of a server that serves viewers from being so small
// that garbage is collected many times a second: what is alive in a balancer is a
// few MB, and Go collects whenever that has doubled. Nobody writes to the bytes,
// so they cost addresses and no memory; what they let lie is at most as much
// again. The caller defers keep.
func raiseHeap() (keep func()) {
	floor := make([]byte, heapFloor)
	return func() { runtime.KeepAlive(floor) }
}
