package cluster

import "testing"

// Whoever asks twice never gets a port twice, though nobody listens there yet: a
// demo takes the ports of its nodes in two goes, and starts none before the last.
func TestAPortIsGivenOnce(t *testing.T) {
	t.Cleanup(func() {
		for _, guard := range guards.held {
			guard.Close()
		}
		guards.held = nil
	})
	given := make(map[int]bool)
	for range 60 {
		ports, err := Ports(2)
		if err != nil {
			t.Fatal(err)
		}
		for _, port := range ports {
			if given[port] {
				t.Errorf("port %d is given twice", port)
			}
			given[port] = true
		}
	}
}
