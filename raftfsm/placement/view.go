package placement

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"tandem/internal/wire"
)

// View is what is seen of a state after a command. What it points to is never changed.
type View struct {
	Placement *wire.Placement
	History   []wire.Event   // the last events, oldest first
	Deaths    []wire.Receipt // receipts of the last deaths, oldest first, with what balancers have told of the responses in their hands
	Audited   []wire.Audited // what operators have asked of all balancers, oldest first
	Digest    string         // of Placement (ring.Digester)
	Differs   uint64         // a version in which the leader had another placement; 0: none that is known

	secrets  secrets
	tallies  tallies
	founding bool
	answers  []answer
}

// View is what is seen of the state now.
func (s *State) View() *View {
	return &View{
		Placement: s.placement, History: s.record.history, Deaths: s.record.deaths, Audited: s.record.audited,
		Digest: s.digests.now(), Differs: s.digests.differs,
		secrets: s.secrets, tallies: s.tallies, founding: s.founding, answers: s.record.answers,
	}
}

// Complete is a command with what its proposer, who sees v, knows.
func (v *View) Complete(c Command) Command {
	c = completed(c, v.Placement, v.founding)
	c.Seen = &Seen{Version: v.Placement.Version, Digest: v.Digest}
	return c
}

// Try tells what a command would do: whether anything changed, or why it would be refused.
func (v *View) Try(c Command) (changed bool, err error) {
	handler, ok := handlers[c.Kind]
	if !ok {
		return false, fmt.Errorf("%w: kind %q", ErrMalformed, cut(string(c.Kind)))
	}
	ch := &change{c: &c, version: v.Placement.Version + 1, before: v.Placement, next: v.Placement, secrets: v.secrets, tallies: v.tallies, deaths: v.Deaths}
	err = handler(ch)
	return len(ch.events) > 0, err
}

// Tally is what all balancers have told that they counted.
func (v *View) Tally() wire.Tally { return v.tallies.sum() }

// Told is what a balancer has told last, and of which of its lives.
func (v *View) Told(balancer string) (life int64, now wire.Tally) {
	if i, ok := v.tallies.find(balancer); ok {
		return v.tallies.Rows[i].Life, v.tallies.Rows[i].Now
	}
	return 0, wire.Tally{}
}

// Keys are the present keys. They are never changed.
func (v *View) Keys() wire.Keys { return v.secrets.Keys }

// Authority is the authority that issues, and the one that will: key and chain,
// PEM; nil when there is none.
func (v *View) Authority() (now, next []byte) { return v.secrets.Authority, v.secrets.Next }

// Ticket is what is known of a ticket.
func (v *View) Ticket(id string) (Ticket, bool) { return v.secrets.ticket(id) }

// NamesStreams tells whether streams have names for tokens.
func (v *View) NamesStreams() bool { return v.secrets.Streams != nil }

// maxFolders bounds how many folders are tried for a stream's name.
const maxFolders = 16

// StreamNamed finds out which stream, of those in whose folder a target lies, has that
// name in tokens: one that is on no pair any more is in no placement. "": none of them.
func (v *View) StreamNamed(id uint64, target string) string {
	key := v.secrets.Streams
	folder, _, _ := strings.Cut(target, "?")
	for range maxFolders {
		i := strings.LastIndexByte(folder, '/')
		if i < 0 || key == nil {
			break
		}
		if name := wire.StreamName(folder[:i+1]); streamHash(key, name) == id {
			return name
		}
		folder = folder[:i]
	}
	return ""
}

// Check walks the truths of what is seen.
func (v *View) Check() error {
	shown := NewState()
	shown.placement, shown.secrets = v.Placement, v.secrets
	return shown.Check()
}

// whole is all of the state that is seen.
func (v *View) whole() Image {
	im := v.image()
	im.Answers, im.Founding = v.answers, v.founding
	return im
}

// image is that of a cluster that has been founded, without what was answered to whom.
func (v *View) image() Image {
	im := Image{Placement: v.Placement, Deaths: v.Deaths, History: v.History, Audited: v.Audited}
	if own := v.secrets; !own.empty() {
		im.Secrets = &own
	}
	if own := v.tallies; own.sum() != (wire.Tally{}) || len(own.Rows) > 0 {
		im.Tallies = &own
	}
	return im
}

// WriteTo writes a backup, in the form of a snapshot: that of a cluster that has been
// founded, without what was answered to whom.
func (v *View) WriteTo(w io.Writer) (int64, error) { return v.image().WriteTo(w) }

// Renewed is what is seen as a snapshot of another version, with one event more.
func (v *View) Renewed(version uint64, event wire.Event) (*bytes.Buffer, error) {
	p := *v.Placement
	p.Version = version
	im := v.whole()
	im.Placement, im.History = &p, last(append(slices.Clip(v.History), event), keepHistory)
	text := new(bytes.Buffer)
	_, err := im.WriteTo(text)
	return text, err
}
