package transport

import (
	"io"
	"strings"
	"sync"

	"github.com/hashicorp/raft"
)

// maxHeard bounds the nodes whose addresses are kept: as many as a cluster has balancers.
const maxHeard = 64

// addresses is where other nodes said last that they are: what the list of members
// says is older, when a node has moved, and of no use when most of them have.
type addresses struct {
	mu    sync.Mutex
	heard map[raft.ServerID]raft.ServerAddress // guarded by mu
	also  map[raft.ServerID]raft.ServerAddress // guarded by mu: where to call them where nobody answers there
}

func newAddresses() *addresses {
	return &addresses{heard: map[raft.ServerID]raft.ServerAddress{}, also: map[raft.ServerID]raft.ServerAddress{}}
}

// Heard notes where another node says that it is reached, and where it listens if that is
// not the same; "": it is.
func (t *Transport) Heard(name, addr, also string) {
	a := t.addresses
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.heard) >= maxHeard {
		clear(a.heard)
		clear(a.also)
	}
	a.heard[raft.ServerID(name)], a.also[raft.ServerID(name)] = raft.ServerAddress(addr), raft.ServerAddress(also)
}

// second is where else a node may be; "": nowhere.
func (a *addresses) second(name string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return string(a.also[raft.ServerID(name)])
}

// of is how to call a node: at the address it was heard at, else at the given one,
// and by its name, so that whoever has its address now is not taken for it.
func (a *addresses) of(id raft.ServerID, listed raft.ServerAddress) raft.ServerAddress {
	a.mu.Lock()
	defer a.mu.Unlock()
	if at, ok := a.heard[id]; ok {
		listed = at
	}
	return raft.ServerAddress(id) + "@" + listed
}

// callee parts what addresses.of has put together; who is called without a name may
// have any.
func callee(to raft.ServerAddress) (name, addr string) {
	if name, addr, ok := strings.Cut(string(to), "@"); ok {
		return name, addr
	}
	return "", string(to)
}

// RequestVote is a raft.Transport's.
func (t *Transport) RequestVote(id raft.ServerID, to raft.ServerAddress, args *raft.RequestVoteRequest, resp *raft.RequestVoteResponse) error {
	if err := t.refuses(nil); err != nil {
		return err
	}
	return t.NetworkTransport.RequestVote(id, t.addresses.of(id, to), args, resp)
}

// RequestPreVote is a raft.WithPreVote's.
func (t *Transport) RequestPreVote(id raft.ServerID, to raft.ServerAddress, args *raft.RequestPreVoteRequest, resp *raft.RequestPreVoteResponse) error {
	if err := t.refuses(nil); err != nil {
		return err
	}
	return t.NetworkTransport.RequestPreVote(id, t.addresses.of(id, to), args, resp)
}

// TimeoutNow is a raft.Transport's.
func (t *Transport) TimeoutNow(id raft.ServerID, to raft.ServerAddress, args *raft.TimeoutNowRequest, resp *raft.TimeoutNowResponse) error {
	if err := t.refuses(nil); err != nil {
		return err
	}
	return t.NetworkTransport.TimeoutNow(id, t.addresses.of(id, to), args, resp)
}

// send is one append; snapshot is one snapshot.
func (t *Transport) send(id raft.ServerID, to raft.ServerAddress, args *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	if err := t.refuses(nil); err != nil {
		return err
	}
	at := t.addresses.of(id, to)
	err := t.NetworkTransport.AppendEntries(id, at, args, resp)
	_, addr := callee(at)
	t.progress.called(id, addr, err)
	return err
}

func (t *Transport) snapshot(id raft.ServerID, to raft.ServerAddress, args *raft.InstallSnapshotRequest, resp *raft.InstallSnapshotResponse, data io.Reader) error {
	if err := t.refuses(nil); err != nil {
		return err
	}
	return t.NetworkTransport.InstallSnapshot(id, t.addresses.of(id, to), args, resp, data)
}
