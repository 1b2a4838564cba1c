package cluster

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strings"
)

// lowestPort is where ports for nodes begin.
const lowestPort = 20000

// block is how many neighbouring ports are taken or left together.
const block = 64

// Ports finds free ports on the loopback address, each one once. They lie below
// the range from which the kernel takes ports for outgoing connections: a port
// from that range could be in use by somebody's connection at the very moment
// at which a killed node comes back to it. And they come from a block in which
// every port is free: a port that a dead node of another cluster will come back
// to has neighbours in use.
func Ports(count int) ([]int, error) {
	blocks := (count + block - 1) / block
	rooms := (ephemeral() - lowestPort) / block
	for range 500 {
		first := lowestPort + block*rand.IntN(max(rooms-blocks, 1))
		if !free(first, blocks*block) {
			continue
		}
		ports := make([]int, count)
		for i := range ports {
			ports[i] = first + i
		}
		return ports, nil
	}
	return nil, fmt.Errorf("found no %d free ports in a row from %d to %d", blocks*block, lowestPort, ephemeral()-1)
}

// free tells whether nobody listens at any of these ports.
func free(first, count int) bool {
	for port := first; port < first+count; port++ {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
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
