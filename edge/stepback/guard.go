package stepback

import (
	"context"
	"encoding/json"
	"hash/maphash"
	"net"
	"net/http"
	"sync"
	"time"

	"tandem/edge/manifest"
	"tandem/edge/rules"
	"tandem/internal/media"
	"tandem/internal/wire"
)

const (
	mostGiven = 50_000          // manifests that are remembered, some 200 bytes each
	mostTold  = 4 << 10         // bytes of what is told of one
	longest   = 6 * time.Second // that a viewer waits, whatever the manifest says of itself
	soonest   = 250 * time.Millisecond
	newer     = 10 * time.Second // so much later than by a session's own list something was told: it was served elsewhere since
)

// Guard knows how far what sessions were given goes.
type Guard struct {
	Redirects *manifest.Redirects
	Now       func() time.Time

	mu    sync.Mutex
	given map[of]given // guarded by mu
}

// Session is a session's place in the table of its pair, whatever token the viewer shows.
type Session struct {
	Pair wire.PairID
	Slot int
}

var seed = maphash.MakeSeed()

// Alone is what stands for a session at an edge without a cluster: whoever asks from there by the
// same program with the same credentials. Who is taken for another one waits for a moment at most.
func Alone(address string, h http.Header) Session {
	if host, _, err := net.SplitHostPort(address); err == nil {
		address = host
	}
	who := []string{address, h.Get("User-Agent"), h.Get("Cookie"), h.Get("Authorization")}
	return Session{Slot: int(maphash.Comparable(seed, [4]string(who)) >> 1)}
}

// Slots of what is remembered of all sessions of a pair.
const (
	elsewhere = -1 // what the other member has told
	here      = -2 // what that one was told
)

// of is one manifest of one session, in all its forms.
type of struct {
	Session
	family string
}

// given is how far a manifest went that was given out, and when that was.
type given struct {
	media.Reach
	at time.Time
}

// told is what the other member of a pair is to know of a manifest that sessions were given.
type told struct {
	Family string      `json:"family"`
	First  string      `json:"first"` // the target that was asked for first
	Led    []string    `json:"led"`   // those to which the origin led from there
	Reach  media.Reach `json:"reach"`
}

// Follow is the version that a session is given in place of the first one: that itself, or,
// where the session had a newer one, what the origin says when it is asked again, at most
// five times. Begun: it may have been given something elsewhere. Again returns nil where
// there is nothing better. News, where there is some, is what the other member of the pair is
// to hear.
func (g *Guard) Follow(ctx context.Context, session Session, begun bool, key string, first *media.Manifest, again func() *media.Manifest) (news string) {
	m, family := first, g.Redirects.Family(key)
	for _, pause := range pauses(m.Interval()) {
		if !g.behind(session, begun, family, m) || !sleep(ctx, pause) {
			break
		}
		next := again()
		if next == nil {
			break
		}
		m = next
	}
	reach, further := g.note(session, family, m)
	target := rules.TargetOf(key)
	say := told{Family: media.Family(family), First: target, Led: m.Locations(), Reach: reach}
	if from, led := g.Redirects.Named(target); led {
		say.First, say.Led = from, append(say.Led, target)
	}
	if !further && len(say.Led) == 0 || reach == (media.Reach{}) {
		return ""
	}
	text, err := json.Marshal(say)
	if err != nil || len(text) > mostTold {
		return ""
	}
	return string(text)
}

// Heard takes the news of the other member of a pair.
func (g *Guard) Heard(news string, pair wire.PairID) {
	var say told
	if len(news) > mostTold || json.Unmarshal([]byte(news), &say) != nil {
		return
	}
	for _, to := range say.Led {
		g.Redirects.Note(say.First, to)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	key := of{Session{pair, elsewhere}, say.Family}
	if had, ok := g.given[key]; !ok || !had.Ahead(say.Reach) {
		g.put(key, say.Reach)
	}
}

// pauses are how long is waited before each question: two intervals in all, of the three that
// viewers at the live edge have left to play.
func pauses(interval time.Duration) []time.Duration {
	part := min(2*max(interval, 2*soonest), longest) / 4
	return []time.Duration{0, part, part, part, part}
}

func sleep(ctx context.Context, d time.Duration) bool {
	if d == 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// behind tells that the session had a newer version: by what it was given here, or, where
// that was nothing, or long ago, by what the pair's sessions were given at its other member.
func (g *Guard) behind(session Session, begun bool, target string, m *media.Manifest) bool {
	reach, live := m.Reach()
	if !live {
		return false
	}
	family := media.Family(target)
	g.mu.Lock()
	defer g.mu.Unlock()
	had, ok := g.given[of{session, family}]
	if others, told := g.given[of{Session{session.Pair, elsewhere}, family}]; begun && told && (!ok || others.at.Sub(had.at) > newer) {
		had, ok = others, true
	}
	return ok && had.Ahead(reach)
}

// note remembers what a session is given. True: none of the pair was given so much before.
func (g *Guard) note(session Session, target string, m *media.Manifest) (media.Reach, bool) {
	reach, live := m.Reach()
	key := of{session, media.Family(target)}
	g.mu.Lock()
	defer g.mu.Unlock()
	if !live {
		delete(g.given, key)
		return reach, false
	}
	g.put(key, reach)
	key.Slot = here
	if had, ok := g.given[key]; ok && (had.Reach == reach || had.Ahead(reach)) {
		return reach, false
	}
	g.put(key, reach)
	return reach, true
}

// put remembers one. The caller holds mu.
func (g *Guard) put(key of, reach media.Reach) {
	if g.given == nil {
		g.given = map[of]given{}
	}
	for other := range g.given {
		if len(g.given) < mostGiven {
			break
		}
		delete(g.given, other) // any will do: one list may go back then
	}
	g.given[key] = given{reach, g.Now()}
}
