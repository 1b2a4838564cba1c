package transport

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

// loopback is Raft's network without a handshake.
type loopback struct{ net.Listener }

func (loopback) Dial(to raft.ServerAddress, limit time.Duration) (net.Conn, error) {
	return net.DialTimeout("tcp", string(to), limit)
}

func overTCP(t *testing.T) *raft.NetworkTransport {
	t.Helper()
	return raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{Stream: loopback{listen(t)}, Timeout: 10 * time.Second})
}

// slowTerms is a store that writes a new term only when it may.
type slowTerms struct {
	*raft.InmemStore
	writes, may chan struct{}
}

func (s slowTerms) SetUint64(key []byte, v uint64) error {
	if bytes.Equal(key, []byte("CurrentTerm")) && v > 2 {
		s.writes <- struct{}{}
		<-s.may
	}
	return s.InmemStore.SetUint64(key, v)
}

// TestALeaderThatGoesIsForgotten: a leader tells this node to lead, still beats, and is
// gone; its election fails. Nobody leads then, and nobody is told to.
func TestALeaderThatGoesIsForgotten(t *testing.T) {
	done := make(chan struct{})
	tr := &Transport{
		NetworkTransport: overTCP(t), streams: newStreams(t, testSecret), done: done, refuses: func(any) error { return nil }, requests: make(chan raft.RPC),
		progress: newProgress(time.Now), addresses: newAddresses(),
	}
	go tr.pass()
	leader := overTCP(t)
	store := slowTerms{raft.NewInmemStore(), make(chan struct{}), make(chan struct{})}
	config := raft.DefaultConfig()
	config.LocalID, config.LogOutput = "lb-1", io.Discard
	config.HeartbeatTimeout, config.ElectionTimeout = time.Minute, time.Minute
	snapshots := raft.NewInmemSnapshotStore()
	all := raft.Configuration{Servers: []raft.Server{
		{ID: "lb-1", Address: tr.LocalAddr()}, {ID: "lb-2", Address: leader.LocalAddr()}, {ID: "lb-3", Address: "127.0.0.1:1"},
	}}
	if err := raft.BootstrapCluster(config, store, store, snapshots, tr, all); err != nil {
		t.Fatal(err)
	}
	r, err := raft.NewRaft(config, &raft.MockFSM{}, store, store, snapshots, tr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = leader.Close()
		close(done)
		_ = r.Shutdown().Error()
	}()
	header := raft.RPCHeader{ProtocolVersion: config.ProtocolVersion, ID: []byte("lb-2"), Addr: []byte(leader.LocalAddr())}
	beat := func() error {
		return leader.AppendEntries("lb-1", tr.LocalAddr(), &raft.AppendEntriesRequest{RPCHeader: header, Term: 2}, &raft.AppendEntriesResponse{})
	}
	if err := beat(); err != nil {
		t.Fatal(err)
	}
	if _, id := r.LeaderWithID(); id != "lb-2" {
		t.Fatalf("led by %q", id)
	}
	if err := leader.TimeoutNow("lb-1", tr.LocalAddr(), &raft.TimeoutNowRequest{RPCHeader: header}, &raft.TimeoutNowResponse{}); err != nil {
		t.Fatal(err)
	}
	<-store.writes // a candidate, whose new term is on its way to the disk
	beaten := make(chan struct{})
	go func() {
		defer close(beaten)
		if err := beat(); err != nil {
			t.Error(err)
		}
	}()
	select {
	case <-beaten:
		t.Error("a heartbeat passed by")
	case <-time.After(100 * time.Millisecond):
	}
	close(store.may)
	<-beaten
	if _, id := r.LeaderWithID(); r.State() != raft.Candidate || id != "" {
		t.Errorf("%s, led by %q", r.State(), id)
	}
}
