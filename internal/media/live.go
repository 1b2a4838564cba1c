package media

import (
	"strings"
	"time"

	"tandem/internal/media/hls"
)

// Guard remembers of a live manifest when what viewers have went forward. The
// zero value remembers nothing.
type Guard struct{ Advanced time.Time }

// Follow tells whether viewers who have one version may be given the next: so
// that none of them sees it go back (truth 5). An older version is kept from them
// until the window of theirs has passed, or a minute where that is long (an encoder that was
// started again under the same names shows no other sign); one that begins anew until they have
// played what they have, as an encoder that was started again has nothing else.
func (g Guard) Follow(given, next *Manifest, now time.Time) (take bool, change Change, after Guard) {
	change = Compare(given, next)
	if g.Advanced.IsZero() || g.Advanced.After(now) {
		g.Advanced = now
	}
	switch change {
	case Same:
		return true, change, g
	case Back:
		take = now.Sub(g.Advanced) >= min(given.Window(), max(given.Ahead(), longestBack))
	case Anew:
		take = now.Sub(g.Advanced) >= given.Ahead()
	default:
		take = true
	}
	if take {
		g.Advanced = now
	}
	return take, change, g
}

// longestBack is how long an older version is kept from viewers at most: an origin that is
// so late is none that catches up.
const longestBack = time.Minute

// Compare tells what the next version is to the one that was given. It is blind to
// queries, and to signatures in paths: a segment is the same one when its number
// and its name are.
func Compare(given, next *Manifest) Change {
	switch {
	case given == nil || next == nil || given.kind != next.kind || !given.Live() || given.draft.Budget.Broke || next.draft.Budget.Broke:
		return Ended
	case given.kind == MPD:
		return given.dash.Compare(next.dash)
	default:
		return given.list.Compare(next.list)
	}
}

// Stands tells whether viewers who ask for a target may be given a version in place of one
// that would go back: not where it is a delta update and they don't ask
// for one (rfc8216bis 6.2.5.1), for they may have nothing that it goes on from.
func Stands(target string, given *Manifest) bool {
	if given == nil || given.list == nil || !hls.Delta(given.list) {
		return given != nil
	}
	_, query, _ := strings.Cut(target, "?")
	for pair := range strings.SplitSeq(query, "&") {
		if strings.HasPrefix(pair, "_HLS_skip=") {
			return true
		}
	}
	return false
}

// Family is what all forms of a live playlist have in common: its target without
// the delivery directives of LL-HLS (rfc8216bis 6.2.5).
func Family(target string) string {
	path, query, ok := strings.Cut(target, "?")
	if !ok || !strings.Contains(query, "_HLS_") {
		return target
	}
	sign := byte('?')
	for pair := range strings.SplitSeq(query, "&") {
		if !strings.HasPrefix(pair, "_HLS_") {
			path, sign = path+string(sign)+pair, '&'
		}
	}
	return path
}
