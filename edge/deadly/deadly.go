// Package deadly keeps requests that edges die of from the next ones: which neighbours broke
// off under an object's fill, when its origin answers, and when a manifest is being read, which whoever waits for it is
// told at once (Object, interim.Teller), and what balancers say that edges have died of.
//
// Always true:
//   - only a neighbour that had the request in its hands has broken off under it: one that
//     nobody could connect to was dead before;
//   - who waits for an object has been told, as far as its connection takes it, that a
//     neighbour broke off under it, that the origin answers, or that it is read, before this
//     edge does anything about it.
//
// Guarded by: Record.mu; names guard themselves. It starts a goroutine for each of those that
// are told, which ends when it is.
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
	"tandem/internal/media"
	"tandem/internal/wire"
)

// tellsFor is how long a fill waits for those to be told who wait for it: one may take nothing.
const tellsFor = 50 * time.Millisecond

// Record is what is known. The zero value is ready.
type Record struct {
	mu      sync.Mutex
	objects map[string]*object // by target; guarded by mu

	died recent.Names // targets that edges died of, and beside them
}

// object is one that is being filled, or waited for. Record.mu guards it.
type object struct {
	users int                  // fills, and who waits
	reads int                  // fills that read a manifest now
	came  bool                 // the origin has begun to answer the last fill
	broke []string             // neighbours that broke off under it
	waits map[*func()]struct{} // who is told
}

// use keeps an object until it is let go.
func (d *Record) use(target string) *object {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.objects == nil {
		d.objects = map[string]*object{}
	}
	one := d.objects[target]
	if one == nil {
		one = &object{waits: map[*func()]struct{}{}}
		d.objects[target] = one
	}
	one.users++
	return one
}

func (d *Record) release(target string, one *object) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if one.users--; one.users == 0 {
		delete(d.objects, target)
	}
}

// Begin is when a fill begins; end, when it ends.
func (d *Record) Begin(target string) (end func()) {
	one := d.use(target)
	d.mu.Lock()
	one.came = false
	d.mu.Unlock()
	return func() { d.release(target, one) }
}

// Answered is when the origin begins to answer a fill that runs, or what is passed on: whoever
// waits is told, but of media, of which they may be many and which nobody dies of. An edge that
// is gone before that, has not died of what the origin gave.
func (d *Record) Answered(target string) {
	if kind := media.KindOf(cachekey.Path(target), ""); kind == media.Segment || kind == media.Init {
		return
	}
	d.change(target, func(one *object) { one.came = true })
}

// Broke is when a neighbour has broken off that had the request of a fill that runs. This edge
// is the next to ask for the object.
func (d *Record) Broke(target, edge string) {
	d.change(target, func(one *object) {
		one.came = false
		if !slices.Contains(one.broke, edge) {
			one.broke = append(one.broke, edge)
		}
	})
}

// Reads is when a fill that runs begins to read a manifest; end, when it has.
func (d *Record) Reads(target string) (end func()) {
	one := d.use(target)
	d.change(target, func(one *object) { one.reads++ })
	return func() {
		d.mu.Lock()
		one.reads--
		d.mu.Unlock()
		d.release(target, one)
	}
}

// change notes something of an object, and tells it to who waits.
func (d *Record) change(target string, note func(one *object)) {
	var under sync.WaitGroup
	waits := 0
	d.mu.Lock()
	if one := d.objects[target]; one != nil {
		note(one)
		for tell := range one.waits {
			under.Go(*tell)
		}
		waits = len(one.waits)
	}
	d.mu.Unlock()
	if waits == 0 {
		return
	}
	told := make(chan struct{})
	go func() {
		under.Wait()
		close(told)
	}()
	select {
	case <-told:
	case <-time.After(tellsFor):
	}
}

// Broken are the neighbours that have broken off under the fills of a target that run.
func (d *Record) Broken(target string) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if one := d.objects[target]; one != nil {
		return slices.Clone(one.broke)
	}
	return nil
}

// Object is one of what is known, for who waits for it.
type Object struct {
	of     *Record
	target string
}

// Object is that of a target.
func (d *Record) Object(target string) Object { return Object{d, target} }

// Broken is Record.Broken.
func (o Object) Broken() []string { return o.of.Broken(o.target) }

// Answered tells whether the origin has begun to answer.
func (o Object) Answered() bool {
	o.of.mu.Lock()
	defer o.of.mu.Unlock()
	one := o.of.objects[o.target]
	return one != nil && one.came
}

// Read tells whether a manifest is being read that has come for it.
func (o Object) Read() bool {
	o.of.mu.Lock()
	defer o.of.mu.Unlock()
	one := o.of.objects[o.target]
	return one != nil && one.reads > 0
}

// Watch calls tell when either changes, until stop is called.
func (o Object) Watch(tell func()) (stop func()) {
	one := o.of.use(o.target)
	o.of.mu.Lock()
	defer o.of.mu.Unlock()
	one.waits[&tell] = struct{}{}
	return func() {
		o.of.mu.Lock()
		delete(one.waits, &tell)
		o.of.mu.Unlock()
		o.of.release(o.target, one)
	}
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
