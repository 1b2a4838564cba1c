package lb

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"tandem/internal/call"
	"tandem/internal/ring"
	"tandem/internal/wire"
)

// member is an edge as the balancer's control side sees one: a table a pair, by
// the placement that the balancer has, and objects by path.
type member struct {
	*httptest.Server
	t    *testing.T
	edge wire.Edge

	mu        sync.Mutex
	lb        *LB
	opens     chan struct{}               // openings wait for it, and are counted in awaited
	awaited   int                         // guarded by mu, as all below
	tables    map[wire.PairID]*ring.Table // guarded by mu
	opened    int                         // guarded by mu, as all below
	closed    []wire.SessionID
	handsOver bool                        // it delivers no session that it is to end
	asked     map[string]int              // requests by path, without the token
	inside    map[string]int              // those of them with a token
	refusal   string                      // every opening is refused with it
	times     int                         // only the next so many
	busier    bool                        // it always has more than was known
	sentBack  int                         // openings that were not asked for by what it has
	full      bool                        // it takes no session back that it does not know, and knows none
	yields    bool                        // all its sessions were given no media, and one makes way
	over      int                         // what it reports to deliver, 0: what it does
	again     int                         // openings for viewers that had a session before
	missing   bool                        // objects are 404
	answers   func(w http.ResponseWriter) // every object, nil: as it is
	says      map[string]string           // bodies of objects, by path
	purged    []wire.Purge
	sequence  uint64
	sessions  []wire.SessionInfo
	frozen    chan struct{} // pings wait for it
	pinged    int
	strange   bool // from the beginning on: it answers no ping as it should
	streams   []string
	watched   map[string]int // sessions by stream
	mute      bool           // it does not say what is watched, nor its load
	keys      uint64         // version of those that it has
	target    string         // of the last object that was asked for, as it was spelled
	scheme    string         // by which the last viewer asked, as it was told
	foretold  []foretold
}

// foretold is what a member was told that it will be given, and the version by which.
type foretold struct {
	version uint64
	given   []ring.Load
}

func (m *member) locked(do func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	do()
}

func (m *member) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	secret, _ := wire.NewSecret(stageSecret)
	if !secret.Authorised(r) {
		m.t.Errorf("%s asked without the secret", r.URL.Path)
	}
	switch r.URL.Path {
	case wire.PathPing:
		m.mu.Lock()
		m.pinged++
		frozen, strange, pong := m.frozen, m.strange, wire.Pong{Name: m.edge.Name, Role: "edge", Incarnation: m.edge.Incarnation}
		m.mu.Unlock()
		if frozen != nil {
			<-frozen
		}
		if strange {
			http.Error(w, "who asks?", http.StatusForbidden)
			return
		}
		call.Reply(w, http.StatusOK, pong)
	case wire.PathOpen:
		m.open(w, r)
	case wire.PathForesee:
		m.foresee(w, r)
	case wire.PathReport:
		m.tellLoad(w)
	case wire.PathSessions:
		m.locked(func() { call.Reply(w, http.StatusOK, wire.SessionList{Total: len(m.sessions), Sessions: m.sessions}) })
	case wire.PathStreams:
		m.mu.Lock()
		defer m.mu.Unlock()
		m.asked["streams"]++
		if m.mute {
			http.Error(w, "mute", http.StatusInternalServerError)
			return
		}
		list := []wire.StreamLoad{}
		for stream, n := range m.watched {
			list = append(list, wire.StreamLoad{Stream: stream, Sessions: n, Pairs: []wire.PairID{1}})
		}
		call.Reply(w, http.StatusOK, list)
	case wire.PathClose:
		var id wire.SessionID
		_ = json.NewDecoder(r.Body).Decode(&id)
		status := http.StatusNoContent
		m.locked(func() {
			if m.handsOver {
				status = http.StatusConflict // another edge delivers it
				return
			}
			m.closed = append(m.closed, id)
		})
		w.WriteHeader(status)
	case wire.PathPurge:
		var p wire.Purge
		_ = json.NewDecoder(r.Body).Decode(&p)
		m.locked(func() { m.purged = append(m.purged, p) })
		call.Reply(w, http.StatusOK, map[string]int{"removed": 3})
	default:
		m.object(w, r)
	}
}

func (m *member) foresee(w http.ResponseWriter, r *http.Request) {
	var given []ring.Load
	_ = json.NewDecoder(r.Body).Decode(&given)
	m.locked(func() { m.foretold = append(m.foretold, foretold{m.lb.Placement().Version, given}) })
	w.WriteHeader(http.StatusNoContent)
}

func (m *member) tellLoad(w http.ResponseWriter) {
	mute := false
	m.locked(func() { m.asked["report"]++; mute = m.mute })
	if mute {
		http.Error(w, "mute", http.StatusInternalServerError)
		return
	}
	call.Reply(w, http.StatusOK, m.report())
}

func (m *member) object(w http.ResponseWriter, r *http.Request) {
	path, inside := r.URL.Path, false
	if _, rest, ok := wire.SplitPath(path); ok {
		path, inside = rest, true
	}
	m.mu.Lock()
	m.target, m.scheme = r.RequestURI, r.Header.Get(wire.HeaderScheme)
	m.asked[path]++
	if inside {
		m.inside[path]++
	}
	missing, full, answers, body := m.missing, m.full && inside, m.answers, m.says[path]
	m.mu.Unlock()
	if full {
		call.Refuse(w, http.StatusServiceUnavailable, wire.ReasonLimit, "this edge can't deliver one more session; try again")
		return
	}
	if answers != nil {
		answers(w)
		return
	}
	if missing {
		http.NotFound(w, r)
		return
	}
	if ask := r.Header.Get(wire.HeaderManifest); ask != "" {
		if kind := m.kindOf(path); kind != "" {
			w.Header().Set(wire.HeaderManifest, kind)
			return
		}
		if ask == wire.ManifestOnly {
			http.Error(w, "no entry", http.StatusForbidden)
			return
		}
	}
	if body == "" {
		body = "object " + path
	}
	w.Header().Set("ETag", `"`+path+`"`)
	http.ServeContent(w, r, path, time.Time{}, strings.NewReader(body))
}

// kindOf is what kind of manifest a path is at this member's origin.
func (m *member) kindOf(path string) string {
	switch {
	case strings.HasSuffix(path, ".mpd"):
		return wire.ManifestMPD
	case path == "/f/live.ts", path == "/g/playlist.mp4": // they say so by their type
		return wire.ManifestMedia
	case strings.HasSuffix(path, "master.m3u8"), strings.HasSuffix(path, "/manifest"):
		return wire.ManifestMultivariant
	case strings.HasSuffix(path, ".m3u8"), strings.HasSuffix(path, "/playlist"):
		return wire.ManifestMedia
	}
	return ""
}

func (m *member) open(w http.ResponseWriter, r *http.Request) {
	var o wire.OpenRequest
	_ = json.NewDecoder(r.Body).Decode(&o)
	m.mu.Lock()
	opens := m.opens
	m.awaited++
	m.mu.Unlock()
	if opens != nil {
		<-opens
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.refusal != "" {
		call.Reply(w, http.StatusConflict, wire.Refusal{Reason: m.refusal})
		if m.times--; m.times == 0 {
			m.refusal = ""
		}
		return
	}
	if o.Most > 0 && (m.busier || m.opened >= o.Most) {
		m.sentBack++
		call.Reply(w, http.StatusConflict, wire.Refusal{Reason: wire.ReasonBusier, EdgeCount: m.count()})
		return
	}
	q, ok := m.lb.Placement().Pair(o.Pair)
	if !ok {
		call.Reply(w, http.StatusConflict, wire.Refusal{Reason: wire.ReasonStale})
		return
	}
	table := m.table(q)
	if own := ring.Owned(m.lb.Placement(), q, m.edge.Name); m.yields && len(own) > 0 {
		table.Free(own[0].From)
	}
	slot, ok := table.Allot(ring.Owned(m.lb.Placement(), q, m.edge.Name), ring.ViewOf(q, m.edge.Name), q.Slots)
	if !ok {
		call.Reply(w, http.StatusConflict, wire.Refusal{Reason: wire.ReasonSideFull})
		return
	}
	m.opened++
	if o.Again {
		m.again++
	}
	answer := wire.OpenAnswer{SessionID: wire.SessionID{Pair: o.Pair, Slot: slot, Generation: uint32(1000 + m.opened)}, EdgeCount: m.count()}
	call.Reply(w, http.StatusOK, answer)
}

// count needs mu.
func (m *member) count() wire.EdgeCount {
	return wire.EdgeCount{Incarnation: m.edge.Incarnation, Opened: uint64(m.opened), Delivering: m.opened}
}

// table needs mu.
func (m *member) table(q *wire.Pair) *ring.Table {
	t := m.tables[q.ID]
	if t == nil {
		t = ring.NewTable(q.Slots)
		m.tables[q.ID] = t
	}
	return t
}

func (m *member) report() wire.Report {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sequence++
	r := wire.Report{Edge: m.edge.Name, Incarnation: m.edge.Incarnation, Sequence: m.sequence, Capacity: m.edge.Capacity, Streams: m.streams, Keys: m.keys}
	p := m.lb.Placement()
	r.Version, r.Opened = p.Version, uint64(m.opened)
	for i := range p.Pairs {
		q := &p.Pairs[i]
		if q.Low != m.edge.Name && q.High != m.edge.Name {
			continue
		}
		t := m.table(q)
		mine := t.Below(q.Boundary)
		if m.edge.Name == q.High {
			mine = t.Taken() - mine
		}
		r.Delivering += mine
		load := wire.PairLoad{Pair: q.ID, Boundary: q.Boundary, Delivering: mine, Sessions: t.Taken(), Taken: t.Runs()}
		if m.yields {
			load.Provisional = mine
		}
		r.Pairs = append(r.Pairs, load)
	}
	if m.over > 0 {
		r.Delivering = m.over
	}
	return r
}
