package cluster

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
)

// lowestPort is where ports for nodes begin.
const lowestPort = 20000

// block is how many neighbouring ports are taken or left together.
const block = 64

// guards hold the last port of each block that was given, for as long as this process
// lives: so nobody is given the same block, here or in another process, though
// nobody listens at its ports yet.
var guards struct {
	sync.Mutex
	held []net.Listener
}

// Ports finds free ports on the loopback address, each one once. They lie below
// the range from which the kernel takes ports for outgoing connections: a port
// from that range could be in use by somebody's connection at the very moment
// at which a killed node comes back to it. And they come from a block in which
// every port is free: a port that a dead node of another cluster will come back
// to has neighbours in use.
func Ports(count int) ([]int, error) {
	size := (count/block + 1) * block // with one more, the guard's
	rooms := (ephemeral() - lowestPort) / block
	for range 500 {
		first := lowestPort + block*rand.IntN(max(rooms-size/block, 1))
		guard, err := listen(first + size - 1)
		if err != nil {
			continue
		}
		if !free(first, size-1) {
			guard.Close()
			continue
		}
		guards.Lock()
		guards.held = append(guards.held, guard)
		guards.Unlock()
		ports := make([]int, count)
		for i := range ports {
			ports[i] = first + i
		}
		return ports, nil
	}
	return nil, fmt.Errorf("found no %d free ports in a row from %d to %d", size, lowestPort, ephemeral()-1)
}

func listen(port int) (net.Listener, error) {
	return net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
}

// free tells whether nobody listens at any of these ports.
func free(first, count int) bool {
	for port := first; port < first+count; port++ {
		l, err := listen(port)
		if err != nil {
			return false
		}
		l.Close()
	}
	return true
}

// ephemeral is the lowest port that the kernel gives to outgoing connections.
func ephemeral() int {
	low, high := 32768, 0
	if text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range"); err == nil {
		_, _ = fmt.Sscan(strings.TrimSpace(string(text)), &low, &high)
	}
	if low < lowestPort+2000 {
		return 60000 // the range covers nearly all: any port is as good as another
	}
	return low
}
