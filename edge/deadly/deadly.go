// Package deadly keeps requests that edges die of from the next ones: whom this edge has asked
// to fetch an object, which whoever asked it is told (interim.Board, interim.Teller), and what
// balancers say that edges have died of.
//
// Always true: only what a neighbour had in its hands is told: one that nobody could connect to
// was dead before.
//
// Guarded by: Record.mu; names guard themselves. It starts no goroutine.
package deadly

import (
	"net/http"
	"path"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"tandem/edge/recent"
	"tandem/internal/cachekey"
	"tandem/internal/call"
	"tandem/internal/wire"
)

// Record is what is known. The zero value is ready.
type Record struct {
	mu    sync.Mutex
	asked map[string]*asked // by target; guarded by mu

	died recent.Names // targets that edges died of, and beside them
}

// asked are the neighbours that the fills of a target that run have asked to fetch it. One
// that breaks off has perhaps died of that, and this edge may be the next.
type asked struct {
	fills int
	edges []string
}

// Begin is when a fill begins; end, when it ends.
func (d *Record) Begin(target string) (end func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.asked == nil {
		d.asked = map[string]*asked{}
	}
	one := d.asked[target]
	if one == nil {
		one = new(asked)
		d.asked[target] = one
	}
	one.fills++
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if one.fills--; one.fills == 0 {
			delete(d.asked, target)
		}
	}
}

// Note is when a neighbour has the request.
func (d *Record) Note(target, edge string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if one := d.asked[target]; one != nil && !slices.Contains(one.edges, edge) {
		one.edges = append(one.edges, edge)
	}
}

// Asks are the neighbours that the fills of a target that run have asked so far.
func (d *Record) Asks(target string) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if one := d.asked[target]; one != nil {
		return slices.Clone(one.edges)
	}
	return nil
}

// Asked is Asks for whenever somebody is told.
func (d *Record) Asked(target string) func() []string {
	return func() []string { return d.Asks(target) }
}

// Handler hears that edges have died under a request.
func (d *Record) Handler(query cachekey.Query, log *zerolog.Logger, now func() time.Time) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var said call.Deadly
		if !call.Read(w, r, &said) {
			return
		}
		if key, ok := cachekey.Of(said.Target); ok {
			_, rest, _ := wire.SplitPath(key)
			until := now().Add(call.DeadlyFor)
			d.died.AddUntil(query.Apply(rest), until)
			d.died.AddUntil(folder(rest), until)
			log.Warn().Str("key", rest).Msg("edges have died under a request: the origin is not asked for it for 10 s")
		}
		w.WriteHeader(http.StatusNoContent)
	}
}

// Of tells whether edges have died of a target.
func (d *Record) Of(target string, now time.Time) bool { return d.died.Has(target, now) }

// Beside tells whether they have died of something in its folder.
func (d *Record) Beside(target string, now time.Time) bool { return d.died.Has(folder(target), now) }

func folder(target string) string { return path.Dir(cachekey.Path(target)) + "/*" }
