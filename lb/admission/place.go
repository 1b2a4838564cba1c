package admission

import (
	"context"
	"errors"

	"tandem/internal/wire"
	"tandem/raftfsm/placement"
)

// placeOnce is place for one of those who would do it now. The others come too late,
// as if another balancer had been quicker, or are refused with it.
func (o *Opener) placeOnce(ctx context.Context, p *wire.Placement, stream string, pair wire.PairID) (reason string) {
	mine := false
	why, _, _ := o.placing.Do(stream, func() (any, error) {
		mine = true
		return o.place(context.WithoutCancel(ctx), p, stream, pair), nil // its viewer may go while others wait
	})
	if reason = why.(string); reason == "" && !mine {
		return wire.ReasonStale
	}
	return reason
}

// place puts a stream on a pair. Stale: somebody else has placed it meanwhile,
// or the ring has changed.
func (o *Opener) place(ctx context.Context, p *wire.Placement, stream string, pair wire.PairID) (reason string) {
	ctx, cancel := context.WithTimeout(ctx, placeLimit)
	defer cancel()
	_, err := o.cluster.Propose(ctx, placement.Command{Kind: placement.Place, Stream: stream, Pair: pair, Before: len(p.Stream(stream)), Version: p.Version})
	switch {
	case err == nil:
		return ""
	case errors.Is(err, placement.ErrStale), errors.Is(err, placement.ErrUnknown), errors.Is(err, placement.ErrRefused):
		return wire.ReasonStale
	case errors.Is(err, placement.ErrLimit), errors.Is(err, placement.ErrMalformed):
		return wire.ReasonCluster
	default:
		o.stay.Store(o.now().Add(stayFor).UnixNano())
		return wire.ReasonQuorum
	}
}

// putBack places a stream again that was taken off its pairs while a viewer opened it, as
// nobody had watched it until then: without an identity no token can name it.
func (o *Opener) putBack(ctx context.Context, stream string, pair wire.PairID) {
	if p := o.cluster.Placement(); !wire.IsUnnamed(stream) && len(p.Stream(stream)) == 0 {
		_ = o.placeOnce(ctx, p, stream, pair) // stale: somebody else did
	}
}

// StreamOf is the stream of a token whose session asks for a target. One that was taken
// off its pairs, as nobody watched it, is put back where its viewer has a slot. "": it is
// placed nowhere and can't be told from the target.
func (o *Opener) StreamOf(ctx context.Context, p *wire.Placement, token wire.Token, target string) string {
	if stream, ok := p.StreamBy(token.Stream); ok {
		return stream
	}
	stream := o.named(token.Stream, target)
	if q, ok := p.Pair(token.Pair); ok && stream != "" && !q.Retiring {
		_ = o.place(ctx, p, stream, token.Pair) // without a majority it is served all the same
	}
	return stream
}
