package member

import (
	"io"
	"net/http"
	"strconv"

	"tandem/internal/call"
	"tandem/internal/ring"
	"tandem/internal/wire"
)

func (m *Member) HandleOpen(w http.ResponseWriter, r *http.Request) {
	var open wire.OpenRequest
	if !call.Read(w, r, &open) {
		return
	}
	m.awaitVersion(r.Context(), open.Version, openWaits)
	id, reason := m.tables.open(open, m.clock.Now().UnixMilli())
	count := m.tables.count(open.Pair)
	count.Incarnation = m.incarnation.Load()
	if reason != "" {
		call.Reply(w, http.StatusConflict, wire.Refusal{Reason: reason, EdgeCount: count})
		return
	}
	call.Reply(w, http.StatusOK, wire.OpenAnswer{SessionID: id, EdgeCount: count})
}

// HandleReport answers a balancer that asks how this edge is, by the placement that it
// has.
func (m *Member) HandleReport(w http.ResponseWriter, r *http.Request) {
	if version, err := strconv.ParseUint(r.URL.Query().Get("version"), 10, 64); err == nil {
		m.awaitVersion(r.Context(), version, reportWaits)
	}
	call.Reply(w, http.StatusOK, m.Report(true))
}

func (m *Member) HandleClose(w http.ResponseWriter, r *http.Request) {
	var id wire.SessionID
	if !call.Read(w, r, &id) {
		return
	}
	switch there, mine := m.tables.close(id); {
	case mine:
		w.WriteHeader(http.StatusNoContent)
	case there:
		call.RefuseNode(w, http.StatusConflict, wire.ReasonStale, "another edge delivers this session")
	default:
		call.RefuseNode(w, http.StatusNotFound, call.ReasonBody, "no such session here")
	}
}

func (m *Member) HandleNotice(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, wire.MaxNotice))
	if err != nil {
		call.RefuseNode(w, http.StatusRequestEntityTooLarge, call.ReasonBody, "notice too long")
		return
	}
	n, err := wire.DecodeNotice(b)
	if err != nil {
		call.RefuseNode(w, http.StatusBadRequest, call.ReasonBody, err.Error())
		return
	}
	p := m.view.Placement()
	from, ok := p.Edge(n.Edge)
	t := m.tables.table(n.Pair)
	if !ok || from.Incarnation > n.Incarnation || t == nil {
		call.RefuseNode(w, http.StatusConflict, call.ReasonBody, "not a neighbour, or of a former life")
		return
	}
	m.silence.Heard(n.Edge, m.now())
	m.standIns.Alive(ring.Life{Edge: n.Edge, Incarnation: n.Incarnation})
	known := t.take(n)
	inherit(m, t.inheritedLate(), p.Version)
	if !known {
		call.RefuseNode(w, http.StatusConflict, call.ReasonBody, "a full notice is needed")
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (m *Member) HandleSessions(w http.ResponseWriter, r *http.Request) {
	limit, err := strconv.Atoi(r.URL.Query().Get("limit"))
	if err != nil || limit < 0 {
		limit = 1000
	}
	list, total := m.tables.sessions(min(limit, 100000))
	call.Reply(w, http.StatusOK, wire.SessionList{Total: total, Sessions: list})
}
