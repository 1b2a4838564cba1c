package media

import (
	"errors"
	"fmt"
	"time"

	"tandem/internal/media/companion"
	"tandem/internal/media/dash"
	"tandem/internal/media/edit"
	"tandem/internal/media/hls"
	"tandem/internal/media/steer"
	"tandem/internal/media/track"
	"tandem/internal/media/uri"
)

// What the rooms within say, by the names that are used outside.
type (
	Origin    = uri.Origin
	Root      = uri.Root
	Edits     = edit.Edits
	Piece     = edit.Piece
	Memory    = edit.Memory
	Variable  = hls.Variable
	TrackKind = track.Kind
	Ref       = track.Ref
	Object    = track.Object
	ByteRange = track.ByteRange
	Child     = track.Child
	Track     = track.Track
	Seg       = track.Seg
	Format    = track.Format
	Offer     = steer.Offer
	Pathway   = steer.Pathway
	Change    = track.Change
)

// Changes, see Compare.
const (
	Same    = track.Same
	Forward = track.Forward
	Ended   = track.Ended
	Back    = track.Back
	Anew    = track.Anew
)

// DefaultLimit is the size of the largest manifest that is read, in bytes.
const DefaultLimit = 32 << 20

// maxBody is what four bytes can count.
const maxBody = 1 << 30

// Errors of Parse.
var (
	ErrNoManifest = errors.New("no manifest")
	ErrTooLarge   = errors.New("the manifest is too large")
)

// NewOrigin makes what is ours of hosts and paths; the first root is that of the
// server that manifests come from.
func NewOrigin(roots ...Root) (*Origin, error) { return uri.New(roots...) }

// RootOf is the root that a base URL is: its host, and its path.
func RootOf(base string) (Root, error) { return uri.RootOf(base) }

// Unnamed is an origin of which no name is known: what is absolute is foreign.
func Unnamed() *Origin { return uri.Unnamed() }

// Normal is a target in the normal form of RFC 3986 section 6.2.2: two that mean
// the same are equal then.
func Normal(target string) string { return uri.Normal(target) }

// Site is where a manifest stands.
type Site struct {
	Origin *Origin
	Target string // of the manifest itself, as the cluster calls it: path and query
	Limit  int64  // bytes; DefaultLimit when 0
	// Import gives a variable of the multivariant playlist that names this media
	// playlist (EXT-X-DEFINE:IMPORT); nil: none is known.
	Import func(name string) (Variable, bool)
}

// document is what a manifest of either form says.
type document interface {
	Live() bool
	Interval() time.Duration
	Window() time.Duration
	Ahead() time.Duration
	Locate(target string, r ByteRange) (Ref, bool)
	Next(ref Ref, n int) []Object
	Upcoming(target string) bool
	Children() []Child
}

// Manifest is what one version of a playlist or MPD says. It keeps the body, as
// UTF-8, which must not be changed.
type Manifest struct {
	document
	draft  *edit.Draft
	kind   Kind
	list   *hls.List          // nil: no playlist
	dash   *dash.Presentation // nil: no MPD
	memory int64

	recoded bool // the body came in UTF-16
}

// Parse reads a playlist, an MPD or what they name along, whose body is as the origin meant it: whoever
// got it with a Content-Encoding has decoded it. What is malformed in it is passed
// over, and told by Flaw: a player may still find something in it, and its URIs
// are led into the session all the same.
func Parse(body []byte, site Site) (*Manifest, error) {
	if site.Limit == 0 {
		site.Limit = DefaultLimit
	}
	limit, recoded := min(site.Limit, maxBody), false
	if int64(len(body)) <= limit {
		body, recoded = UTF8(body)
	}
	if int64(len(body)) > limit {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, len(body), limit)
	}
	m := &Manifest{kind: Sniff(body), recoded: recoded}
	if m.kind == Other {
		return nil, ErrNoManifest
	}
	m.draft = edit.NewDraft(body, site.Origin, site.Target)
	whole := m.draft.Budget.Memory
	switch m.kind {
	case MPD:
		m.dash = dash.Parse(m.draft)
		m.document = m.dash
	case Companion:
		m.document = companion.Parse(m.draft)
	default:
		m.list = hls.Parse(m.draft, bom(body), site.Import)
		m.document = m.list
		if m.list.Multivariant() {
			m.kind = Multivariant
		}
	}
	if m.draft.Budget.Broke {
		m.draft.Flawed(0, "more in it than its size allows to remember: positions are not known")
	}
	m.memory = whole
	if m.dash == nil || !m.dash.Listed() { // an index of lists may take all
		m.memory -= max(m.draft.Budget.Memory, 0)
	}
	m.memory = max(m.memory-edit.HeldByEscape*m.draft.Edits.Escapes(), 0)
	return m, nil
}

// Kind is MediaPlaylist, Multivariant, MPD or Companion.
func (m *Manifest) Kind() Kind { return m.kind }

// Flaw is the first thing that is malformed, nil for none.
func (m *Manifest) Flaw() error { return m.draft.Flaw }

// Edits are the places that take a session's prefix.
func (m *Manifest) Edits() *Edits { return &m.draft.Edits }

// Foreign counts the URIs that lead to other hosts.
func (m *Manifest) Foreign() int64 { return m.draft.Foreign }

// Left counts the URIs that name the origin and stay as they are: a viewer that
// follows one leaves the session.
func (m *Manifest) Left() int64 { return m.draft.Left }

// Body is the body that it was read from, as UTF-8, not to be changed.
func (m *Manifest) Body() []byte { return m.draft.Body }

// Recoded tells that the body came in UTF-16: as what it came it can't be sent with
// these Edits, nor with the fields that are true of it.
func (m *Manifest) Recoded() bool { return m.recoded }

// Mark tells what else than the body and the prefix makes the edited body.
func (m *Manifest) Mark() string {
	if m.draft.Edits.Escapes() > 0 {
		return "e" + m.draft.Origin.Mark()
	}
	return m.draft.Origin.Mark()
}

// Cost is the memory it holds at most, in bytes, its body included.
func (m *Manifest) Cost() int64 {
	return 1024 + int64(cap(m.draft.Body)+len(m.draft.Base)) + m.draft.Edits.Cost() + m.memory
}

// Entry tells that a viewer may begin with it: what stands for a part of an MPD
// is none, nor is what a manifest names along.
func (m *Manifest) Entry() bool { return m.list != nil || m.dash != nil && m.dash.Whole() }

// Ended tells that a media playlist ends (EXT-X-ENDLIST).
func (m *Manifest) Ended() bool { return m.list != nil && m.list.Ended() }

// Grows tells whether a target is a file of which a live playlist lists ranges, and
// how many bytes of it are listed by now.
func (m *Manifest) Grows(target string) (listed int64, ok bool) {
	if m.list == nil {
		return 0, false
	}
	return m.list.Grows(target)
}

// MediaSequence is the number of a media playlist's first segment.
func (m *Manifest) MediaSequence() int64 {
	if m.list == nil {
		return 0
	}
	return m.list.MediaSequence()
}

// DiscontinuitySequence is that of a media playlist's first segment.
func (m *Manifest) DiscontinuitySequence() int64 {
	if m.list == nil {
		return 0
	}
	return m.list.DiscontinuitySequence()
}

// Child is the kind of the track whose playlist a multivariant one names so.
func (m *Manifest) Child(target string) (TrackKind, bool) {
	if m.list == nil {
		return track.Other, false
	}
	return m.list.Child(target)
}

// Patched tells that viewers of a live MPD may follow it by patches, and ask for it no more.
func (m *Manifest) Patched() bool { return m.dash != nil && m.Live() && dash.Patched(m.dash) }

// Behind is the place of the same name that is meant where a list has it more than once, as
// an advertisement's: the next one behind the number that the track has.
func (m *Manifest) Behind(ref Ref, number func() int64) Ref {
	if m.list == nil || !hls.Repeats(m.list) {
		return ref
	}
	return hls.Behind(m.list, ref, number())
}

// Abroad tells that a prefix has to name a host: some URI that is led stands where a path
// would be one at another host.
func (m *Manifest) Abroad() bool { return m.dash != nil && dash.Abroad(m.dash) }

// Locations are where an MPD is to be asked for from now on, as the cluster calls that.
func (m *Manifest) Locations() []string {
	if m.dash == nil || !m.dash.Whole() {
		return nil
	}
	return dash.Locations(m.dash)
}

// Variable is a variable that a multivariant playlist defines, for Site.Import of
// its media playlists.
func (m *Manifest) Variable(name string) (Variable, bool) {
	if m.list == nil {
		return Variable{}, false
	}
	return m.list.Variable(name)
}

// Tracks lists everything: for who plays or repeats a whole programme. Whoever
// wants to know of one segment asks Locate and Next, which list nothing. Now
// bounds the segments of a dynamic MPD. A multivariant playlist has no tracks, but
// Children.
func (m *Manifest) Tracks(now time.Time) ([]Track, error) {
	switch {
	case m.dash != nil:
		return m.dash.Tracks(now)
	case m.list != nil:
		return m.list.Tracks()
	}
	return nil, nil
}

var (
	_ document = (*hls.List)(nil)
	_ document = (*dash.Presentation)(nil)
	_ document = (*companion.Document)(nil)
)
