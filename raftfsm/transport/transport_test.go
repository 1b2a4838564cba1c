package transport

import (
	"errors"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

// nobodyThere is a network on which nobody answers; it notes who is called.
type nobodyThere struct {
	net.Listener
	called []string
}

func (n *nobodyThere) Dial(to raft.ServerAddress, _ time.Duration) (net.Conn, error) {
	n.called = append(n.called, string(to))
	return nil, errors.New("nobody is there")
}

// TestAFollowerThatMovesIsCalledWhereItIsListed: a leader that tries again and again where
// a follower was goes on where it is listed by then; it gives up when it leads no more.
func TestAFollowerThatMovesIsCalledWhereItIsListed(t *testing.T) {
	network := &nobodyThere{Listener: listen(t)}
	asked := 0
	tr := &Transport{
		streams: newStreams(t, testSecret), addresses: newAddresses(),
		NetworkTransport: raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{Stream: network, Timeout: time.Second}),
		leads: func(uint64, raft.ServerID) (raft.ServerAddress, bool) {
			asked++
			return []raft.ServerAddress{"", "there", "there"}[asked-1], asked < 3
		},
		progress: newProgress(time.Now), refuses: func(any) error { return nil },
	}
	defer func() { _ = tr.Close() }()
	err := tr.AppendEntries("lb-4", "here", &raft.AppendEntriesRequest{Term: 2, Entries: []*raft.Log{{Index: 7}}}, &raft.AppendEntriesResponse{})
	if err == nil || !slices.Equal(network.called, []string{"lb-4@here", "lb-4@here", "lb-4@there"}) {
		t.Errorf("%v; called %v", err, network.called)
	}
}
