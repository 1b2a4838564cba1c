package control

import (
	"context"
	"errors"
	"time"

	"tandem/internal/keywait"
	"tandem/internal/wire"
	"tandem/raftfsm"
)

// Tokens names sessions and reads their names, with the keys of the cluster. Where
// a key is on its way here it waits a moment.
type Tokens struct {
	Ring *wire.KeyRing // for who can't wait
	node *raftfsm.Node
	now  func() time.Time
	life time.Duration // of what is sealed
	wait keywait.Room  // for keys
}

// Terms are on what a viewer was let in: until when, and how far (wire.Token.Scope).
// The zero value: nobody was asked.
type Terms struct {
	Until time.Time
	Scope uint8
}

// TermsOf are those that a token goes on with.
func TermsOf(t wire.Token) Terms {
	if t.Scope == 0 {
		return Terms{}
	}
	return Terms{Until: time.Unix(t.Expires, 0), Scope: t.Scope}
}

// Seal names a session of a stream. In a cluster that has just begun it waits for
// the first keys. False: there are none.
func (t *Tokens) Seal(ctx context.Context, id wire.SessionID, stream string, terms Terms) (string, bool) {
	token := wire.Token{SessionID: id, Expires: t.now().Add(t.life).Unix(), Scope: terms.Scope}
	if until := terms.Until; !until.IsZero() {
		token.Expires = min(token.Expires, until.Unix())
	}
	limit := time.NewTimer(keywait.Limit)
	defer limit.Stop()
	for {
		changed, placed := t.Ring.Changed(), t.node.Watch()
		if token.Stream = t.node.Placement().StreamID(stream); token.Stream != 0 {
			if text, ok := t.Ring.Seal(token); ok {
				return text, true
			}
		}
		select {
		case <-changed:
		case <-placed:
		case <-limit.C:
			return "", false
		case <-ctx.Done():
			return "", false
		}
	}
}

// Verify reads a token. One whose key is not known here waits a moment for it:
// another balancer may have heard of a rotation first.
func (t *Tokens) Verify(ctx context.Context, text string) (token wire.Token, err error) {
	t.wait.Until(ctx, t.Ring.Changed, func() bool {
		token, err = t.Ring.Verify(text, t.now())
		return !errors.Is(err, wire.ErrTokenKey)
	})
	return token, err
}
