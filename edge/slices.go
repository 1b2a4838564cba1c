package edge

import (
	"context"
	"net/http"

	"tandem/edge/fetch"
	"tandem/edge/member"
	"tandem/edge/rules"
	"tandem/segstore"
)

// serveSlices answers a range of a large object out of slices: what the viewer asks
// for costs the origin these, and not the whole.
func (e *Edge) serveSlices(w http.ResponseWriter, r *http.Request, x request, found fetch.Found) {
	s := found.Slices
	defer s.Close()
	y := rules.PlanFor(r.Header, &s.Meta)
	if y.Status == http.StatusOK && r.Method != http.MethodHead && s.Meta.Size > rules.SliceSize {
		x.Whole, x.client = true, "" // another version than the viewer has a part of; it has paid
		e.serve(w, r, x)
		return
	}
	e.head(rules.HeaderWriter{Header: w.Header()}, &s.Meta, &x, found.How, y)
	if x.Node {
		var end func()
		w, end = e.board.Grows(w, e.fetch.Deadly.Broken(rules.TargetOf(x.Key))) // what is still to come may wait for the origin
		defer end()
	}
	w.WriteHeader(y.Status)
	if !y.Bodied() || r.Method == http.MethodHead {
		return
	}
	n, err := sendSlices(r.Context(), w, r, s, y.Part.First, y.Part.Last)
	e.counts.sentBytes.Add(n)
	if err != nil {
		if r.Context().Err() == nil {
			e.counts.broken.Add(1)
			e.log.Warn().Err(err).Str("key", x.Key).Int64("offset", y.Part.First+n).Msg("body broke off")
		}
		panic(http.ErrAbortHandler) // visibly broken, never silently short
	}
	if x.slot >= 0 {
		e.member.Delivered(x.Pair, x.slot, member.Delivery{Target: x.target, First: y.Part.First, Last: y.Part.Last, Size: s.Meta.Size, Inherited: x.inherited})
	}
}

// opened is a slice, or why it is not to be had.
type opened struct {
	view *segstore.View
	err  error
}

// sendSlices writes the bytes from first to last; the next slice is fetched while
// one is sent.
func sendSlices(ctx context.Context, w http.ResponseWriter, r *http.Request, s *fetch.Slices, first, last int64) (int64, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	open := func(number int64) <-chan opened {
		to := make(chan opened, 1)
		go func() {
			view, err := s.Open(ctx, number)
			to <- opened{view, err}
		}()
		return to
	}
	discard := func(o opened, number int64) {
		if o.view != nil && number != s.First() {
			o.view.Close()
		}
	}
	next, sent := open(first/rules.SliceSize), int64(0)
	for number := first / rules.SliceSize; ; number++ {
		now := <-next
		if now.err != nil {
			return sent, now.err
		}
		end := min(last, (number+1)*rules.SliceSize-1)
		if end < last {
			next = open(number + 1)
		}
		begin := number * rules.SliceSize
		n, err := send(ctx, w, r, now.view, first+sent-begin, end-begin)
		discard(now, number)
		if sent += n; err != nil || end == last {
			if end < last {
				cancel()
				discard(<-next, number+1)
			}
			return sent, err
		}
	}
}
