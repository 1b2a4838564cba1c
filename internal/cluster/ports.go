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

// Ports finds free ports on the loopback address, each one once. They lie below
// the range from which the kernel takes ports for outgoing connections: a port
// from that range could be in use by somebody's connection at the very moment
// at which a killed node comes back to it.
func Ports(count int) ([]int, error) {
	highest := ephemeral() - 1
	var open []net.Listener
	defer func() {
		for _, l := range open {
			l.Close()
		}
	}()
	var ports []int
	for tries := 0; len(ports) < count; tries++ {
		if tries > 200+20*count {
			return nil, fmt.Errorf("found only %d of %d free ports from %d to %d", len(ports), count, lowestPort, highest)
		}
		port := lowestPort + rand.IntN(highest-lowestPort)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		open = append(open, l) // kept until all are found, so that none comes twice
		ports = append(ports, port)
	}
	return ports, nil
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
