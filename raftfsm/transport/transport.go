package transport

import (
	"cmp"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"tandem/internal/identity"
)

const (
	peerTimeout     = 3 * time.Second        // for one exchange with a peer
	peerConnections = 3                      // kept open to each peer
	retryEvery      = 100 * time.Millisecond // how often a leader tries again what a follower did not take
)

// Options are what a transport needs to know.
type Options struct {
	Listener  net.Listener     // taken over
	Advertise string           // address that the others are told; empty: the listener's own
	Name      string           // of this node
	Key       []byte           // that proves who belongs to the cluster
	Identity  *identity.Bundle // nil: what is said is not encrypted
	Era       uint64
	Lines     io.Writer // what the library logs
	Now       func() time.Time
	Refuses   func(command any) error                                                    // why a request of another node is not answered; nil: it is
	Leads     func(term uint64, follower raft.ServerID) (at raft.ServerAddress, ok bool) // whether an append of that term still makes sense, and where its follower is
	Done      <-chan struct{}                                                            // closed when the node ends
}

// Transport is Raft's network, with three differences from the library's own.
//
// Appends are not pipelined: a follower that answers one of two appends in
// flight with a no parks the leader's goroutine for it for ever, while heartbeats
// go on, so that it is starved and nobody votes (hashicorp/raft 612). One append
// carries up to 64 commands, which is far more than a placement needs.
//
// What fails is tried again here, at an even pace, as long as this node leads:
// the library would wait twice as long each time, up to 10 s, and a follower
// that is there again would lack what was committed all the while.
//
// Heartbeats pass Raft's queue by, and none may do so beside the word to lead at once: see
// turns.
type Transport struct {
	*raft.NetworkTransport
	streams   *streams
	leads     func(term uint64, follower raft.ServerID) (at raft.ServerAddress, ok bool)
	done      <-chan struct{}
	refuses   func(command any) error
	progress  *progress
	addresses *addresses
	requests  chan raft.RPC // what the others ask of this node, heartbeats aside
	turns     turns
	loops     sync.WaitGroup
}

// Listen starts a transport, which takes the listener over.
func Listen(o Options) (*Transport, error) {
	s, err := openStreams(o)
	if err != nil {
		return nil, err
	}
	t := &Transport{
		NetworkTransport: raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
			Stream: s, MaxPool: peerConnections, Timeout: peerTimeout, MaxRPCsInFlight: 1,
			Logger: hclog.New(&hclog.LoggerOptions{Name: "raft-net", Output: o.Lines, Level: hclog.Info}),
		}),
		streams: s, leads: o.Leads, refuses: o.Refuses, done: o.Done, progress: newProgress(o.Now), addresses: newAddresses(),
		requests: make(chan raft.RPC),
	}
	s.second = t.addresses.second
	t.loops.Go(t.pass)
	return t, nil
}

// Era is the one that this node is of.
func (t *Transport) Era() uint64 { return t.streams.era.Load() }

// Enter makes the era another one: what was let in before is shut out.
func (t *Transport) Enter(era uint64) { t.streams.enter(era) }

// Refused counts the connections that did not prove that they belong to the cluster.
func (t *Transport) Refused() int64 { return t.streams.refused.Load() }

// EndUntrusted ends connections of balancers whose certificates count no longer.
func (t *Transport) EndUntrusted() {
	if t.streams.identity != nil {
		t.streams.endUntrusted()
	}
}

// Cut ends every connection, and lets no new one come about: what waits for a peer's
// answer waits no longer.
func (t *Transport) Cut() { t.streams.cut() }

// Close ends the listener and every connection, and waits for the goroutines, which end
// when the node does. A second time changes nothing.
func (t *Transport) Close() error {
	err := errors.Join(t.NetworkTransport.Close(), t.streams.Close())
	t.loops.Wait()
	return err
}

// SetHeartbeatHandler is a raft.Transport's: heartbeats pass its queue by.
func (t *Transport) SetHeartbeatHandler(f func(raft.RPC)) {
	if f == nil {
		t.NetworkTransport.SetHeartbeatHandler(nil)
		return
	}
	t.NetworkTransport.SetHeartbeatHandler(func(rpc raft.RPC) {
		if err := t.refuses(rpc.Command); err != nil {
			rpc.Respond(nil, err)
			return
		}
		if !t.turns.beat(rpc, f) {
			t.hand(rpc)
		}
	})
}

// Consumer is a raft.Transport's.
func (t *Transport) Consumer() <-chan raft.RPC { return t.requests }

// pass hands the others' requests to Raft, and notes when it took an append.
func (t *Transport) pass() {
	for {
		select {
		case <-t.done:
			return
		case rpc := <-t.NetworkTransport.Consumer():
			if err := t.refuses(rpc.Command); err != nil {
				rpc.Respond(nil, err)
				continue
			}
			if _, ok := rpc.Command.(*raft.TimeoutNowRequest); ok {
				t.turns.lead()
			}
			if !t.hand(rpc) {
				return
			}
			if _, ok := rpc.Command.(*raft.AppendEntriesRequest); ok {
				t.progress.reached()
			}
		}
	}
}

// hand gives Raft a request when its turn has come; false when the node ends.
func (t *Transport) hand(rpc raft.RPC) bool {
	select {
	case <-t.done:
		return false
	case t.requests <- rpc:
		return true
	}
}

// AppendEntries is a raft.Transport's. Heartbeats are not tried again: the next
// one comes by itself.
func (t *Transport) AppendEntries(id raft.ServerID, to raft.ServerAddress, args *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	for {
		err := t.send(id, to, args, resp)
		if err == nil && resp.Success && !heartbeat(args) {
			t.progress.taken(id, args)
		}
		at, leads := t.leads(args.Term, id)
		switch {
		case heartbeat(args) || !leads:
			return err
		case err == nil && (resp.Success || resp.NoRetryBackoff || resp.Term > args.Term):
			return nil
		case !t.pause(): // it can't be reached, or can't write
			return err
		}
		*resp, to = raft.AppendEntriesResponse{}, cmp.Or(at, to) // it may have moved meanwhile
	}
}

// InstallSnapshot is a raft.Transport's. A snapshot can be read once only, so it
// goes to a follower that answers.
func (t *Transport) InstallSnapshot(id raft.ServerID, to raft.ServerAddress, args *raft.InstallSnapshotRequest, resp *raft.InstallSnapshotResponse, data io.Reader) error {
	beat := &raft.AppendEntriesRequest{RPCHeader: args.RPCHeader, Term: args.Term}
	for {
		err := t.send(id, to, beat, &raft.AppendEntriesResponse{})
		if err == nil {
			return t.snapshot(id, to, args, resp, data)
		}
		at, leads := t.leads(args.Term, id)
		if !leads || !t.pause() {
			return err
		}
		to = cmp.Or(at, to)
	}
}

// heartbeat tells whether a request only says that the leader is there.
func heartbeat(a *raft.AppendEntriesRequest) bool {
	return a.PrevLogEntry == 0 && a.PrevLogTerm == 0 && len(a.Entries) == 0 && a.LeaderCommitIndex == 0
}

// pause waits until the next try; false when the node ends.
func (t *Transport) pause() bool {
	select {
	case <-time.After(retryEvery):
		return true
	case <-t.done:
		return false
	}
}

var (
	_ raft.Transport   = (*Transport)(nil)
	_ raft.WithPreVote = (*Transport)(nil)
	_ raft.WithClose   = (*Transport)(nil)
)
