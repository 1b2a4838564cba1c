// Package varied remembers by which fields of requests the objects of a folder vary, where those
// stay behind when an answer is fetched for all: for a minute, of those with one extension.
//
// Always true: what is remembered decides how the origin is asked, and never what fits whom.
//
// Guards: recent.Names'. The package starts no goroutine.
package varied

import (
	"net/http"
	"slices"
	"time"

	"tandem/edge/recent"
	"tandem/edge/rules"
)

// Folders are what is remembered. Safe for many goroutines; the zero value is ready.
type Folders struct{ names recent.Names }

// Note learns of an answer, by the names of its Vary.
func (f *Folders) Note(key string, status int, vary []string, now time.Time) {
	if status != http.StatusOK && status != http.StatusPartialContent {
		return
	}
	name := rules.Siblings(key)
	for _, field := range vary {
		if rules.StaysBehind(field) {
			f.names.Add(name+" by "+field, now)
		}
	}
	switch {
	case slices.Contains(vary, "*"):
		f.names.Add(name, now)
	case f.names.Has(name, now):
		f.names.AddUntil(name, now)
	}
}

// Alone tells that an object is asked for by each viewer alone: its folder's vary by more than
// fields say, or by one of the request's that no answer for all is asked for with. Of others asks
// learns that they go along.
func (f *Folders) Alone(key string, h http.Header, asks *rules.Asks, now time.Time) bool {
	name := rules.Siblings(key)
	return asks.Alone(h, func(field string) bool { return f.names.Has(name+" by "+field, now) }) || f.names.Has(name, now)
}
