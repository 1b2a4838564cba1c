package control

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"tandem/internal/ring"
	"tandem/internal/wire"
	"tandem/raftfsm/placement"
)

// Limits of unplacing.
const (
	watchedLimit = 2 * time.Second // for the edges to say what their viewers watch
	watchedApart = time.Minute     // at most, between two times that they are asked
	unplaceMost  = 1000            // streams of one command
)

// Watched asks the edges which streams their viewers watch: sessions and the pairs of
// their slots. An error says that one did not answer, so that what is not among them
// may be watched all the same.
func (c *Control) Watched(ctx context.Context, p *wire.Placement) (map[string]wire.StreamLoad, error) {
	ctx, cancel := context.WithTimeout(ctx, watchedLimit)
	defer cancel()
	var mu sync.Mutex
	var under sync.WaitGroup
	var failed error
	watched := map[string]wire.StreamLoad{}
	for _, e := range p.Edges {
		if !ring.HasCopy(e.State) {
			continue
		}
		under.Go(func() {
			var list []wire.StreamLoad
			err := c.deps.Call.Ask(ctx, http.MethodGet, e.HTTP+wire.PathStreams, nil, &list)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed = fmt.Errorf("%s does not say what its viewers watch: %w", e.Name, err)
				return
			}
			for _, l := range list {
				all := watched[l.Stream]
				all.Stream = l.Stream
				all.Sessions += l.Sessions
				for _, pair := range l.Pairs {
					if !slices.Contains(all.Pairs, pair) {
						all.Pairs = append(all.Pairs, pair)
					}
				}
				watched[l.Stream] = all
			}
		})
	}
	under.Wait()
	return watched, failed
}

// keepStreams takes streams that nobody has watched for a time off their pairs, so
// that the placement has room for other names, and places those again whose viewers
// came back after that. Whoever leads next counts the time anew.
func (t *tasks) keepStreams(ctx context.Context) {
	after, now := t.c.cfg.UnplaceAfter, t.c.deps.Now()
	if after == 0 || now.Sub(t.watched) < min(after/10, watchedApart) {
		return
	}
	t.watched = now
	p := t.c.node.Placement()
	watched, err := t.c.Watched(ctx, p)
	if err != nil {
		return // it is seen at the next time, or the edge is found dead
	}
	idle := map[string]time.Time{}
	var gone []string
	for s := range p.Streams.All() {
		since, known := t.idle[s.Stream]
		switch {
		case watched[s.Stream].Sessions > 0:
			continue
		case !known:
			since = now
		}
		if idle[s.Stream] = since; now.Sub(since) >= after && len(gone) < unplaceMost {
			gone = append(gone, s.Stream)
		}
	}
	t.idle = idle
	if len(gone) > 0 {
		t.task(ctx, placement.Command{Kind: placement.Unplace, Streams: gone, Cause: "nobody has watched for " + after.String()})
	}
	t.placeAgain(ctx, p, watched)
}

// placeAgain places the streams that are watched and on no pair: where their viewers
// are. One a time is enough: there are few.
func (t *tasks) placeAgain(ctx context.Context, p *wire.Placement, watched map[string]wire.StreamLoad) {
	var lost []wire.StreamLoad
	for _, w := range watched {
		if !wire.IsUnnamed(w.Stream) && len(w.Pairs) > 0 && len(p.Stream(w.Stream)) == 0 {
			lost = append(lost, w)
		}
	}
	slices.SortFunc(lost, func(a, b wire.StreamLoad) int { return strings.Compare(a.Stream, b.Stream) })
	for _, w := range lost {
		for _, id := range w.Pairs {
			if q, ok := p.Pair(id); ok && !q.Retiring {
				t.task(ctx, placement.Command{Kind: placement.Place, Stream: w.Stream, Pair: id})
				break
			}
		}
	}
}
