package media

import (
	"tandem/internal/media/dash"
	"tandem/internal/media/hls"
)

// Reach is how far a version of a live manifest goes: all that is remembered of one that
// must not be kept (no-store, private), and enough to tell that another one is older.
type Reach struct {
	HLS  hls.Reach  `json:"hls,omitzero"`
	DASH dash.Reach `json:"dash,omitzero"`
	Kind Kind       `json:"kind"`
}

// Reach is how far a manifest goes; false: it is no live one.
func (m *Manifest) Reach() (Reach, bool) {
	switch {
	case m.document == nil || !m.Live() || m.draft.Budget.Broke:
		return Reach{}, false
	case m.dash != nil:
		return Reach{DASH: dash.ReachOf(m.dash), Kind: m.kind}, m.dash.Whole()
	case m.list != nil:
		return Reach{HLS: hls.ReachOf(m.list), Kind: m.kind}, true
	}
	return Reach{}, false
}

// Ahead tells that who has a version which goes so far would go back with another one:
// that one ends earlier, within what this one lists. What lies before all of that is a
// channel that began anew, and no older version.
func (r Reach) Ahead(of Reach) bool {
	switch {
	case r.Kind != of.Kind:
		return false
	case r.Kind == MPD:
		return r.DASH.Ahead(of.DASH)
	default:
		return r.HLS.Ahead(of.HLS)
	}
}
