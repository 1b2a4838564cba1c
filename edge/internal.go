package edge

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"tandem/edge/rules"

	"github.com/go-chi/chi/v5"

	"tandem/internal/media"
	"tandem/internal/wire"
	"tandem/segstore"
)

// internal declares the endpoints for nodes of the cluster.
func (e *Edge) internal(r chi.Router) {
	r.Use(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !e.cfg.Secret.Authorised(r) {
				http.Error(w, "closed to viewers", http.StatusForbidden)
				return
			}
			next.ServeHTTP(w, r)
		})
	})
	under := func(path string) string { return "/" + strings.TrimPrefix(path, wire.Internal) }
	r.Get(under(wire.PathPing), func(w http.ResponseWriter, _ *http.Request) {
		reply(w, wire.Pong{Name: e.cfg.Name, Role: "edge", Incarnation: e.incarnation.Load()})
	})
	r.Post(under(wire.PathOpen), e.handleOpen)
	r.Post(under(wire.PathClose), e.handleClose)
	r.Post(under(wire.PathNotice), e.handleNotice)
	r.Get(under(wire.PathObject)+"/*", e.handleObject)
	r.Put(under(wire.PathObject)+"/*", e.handlePut)
	r.Post(under(wire.PathCopy), e.handleCopy)
	r.Get(under(wire.PathInventory), e.handleInventory)
	r.Get(under(wire.PathReport), func(w http.ResponseWriter, _ *http.Request) { reply(w, e.report(true)) })
	r.Get(under(wire.PathSessions), e.handleSessions)
	r.Post(under(wire.PathPurge), e.handlePurge)
}

// maxBody bounds a JSON body between nodes, in bytes.
const maxBody = 4 << 20

func reply(w http.ResponseWriter, answer any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

// read decodes a JSON body. False: it was refused.
func read(w http.ResponseWriter, r *http.Request, into any) bool {
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(into); err != nil {
		http.Error(w, "malformed body: "+err.Error(), http.StatusBadRequest)
		return false
	}
	return true
}

func (e *Edge) handleOpen(w http.ResponseWriter, r *http.Request) {
	var open wire.OpenRequest
	if !read(w, r, &open) {
		return
	}
	e.awaitVersion(r.Context(), open.Version)
	id, reason := e.sessions.open(open, e.now().UnixMilli())
	if reason != "" {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusConflict)
		_ = json.NewEncoder(w).Encode(wire.Refusal{Reason: reason})
		return
	}
	reply(w, wire.OpenAnswer{SessionID: id})
}

func (e *Edge) handleClose(w http.ResponseWriter, r *http.Request) {
	var id wire.SessionID
	if !read(w, r, &id) {
		return
	}
	if !e.sessions.close(id) {
		http.Error(w, "no such session here", http.StatusNotFound)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (e *Edge) handleNotice(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, wire.MaxNotice))
	if err != nil {
		http.Error(w, "notice too long", http.StatusRequestEntityTooLarge)
		return
	}
	n, err := wire.DecodeNotice(b)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	p := e.placement()
	from, ok := p.Edge(n.Edge)
	t := e.sessions.table(n.Pair)
	if !ok || from.Incarnation > n.Incarnation || t == nil {
		http.Error(w, "not a neighbour, or of a former life", http.StatusConflict)
		return
	}
	e.detector.heard(n.Edge, e.now())
	if !t.take(n) {
		http.Error(w, "a full notice is needed", http.StatusConflict)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// handleObject gives an object to a neighbour, or to the origin's check.
func (e *Edge) handleObject(w http.ResponseWriter, r *http.Request) {
	x := errand{slot: -1, node: true, peer: true, started: e.now(), cached: r.Header.Get(wire.HeaderCached) == "1"}
	var ok bool
	if x.key, ok = rules.KeyOf(strings.TrimPrefix(r.URL.Path, wire.PathObject), r.URL.RawQuery); !ok {
		refuse(w, http.StatusBadRequest, "bad_path", "the path is too long or malformed")
		return
	}
	x.path = rules.PathOf(x.key)
	if n, err := strconv.ParseUint(r.Header.Get(wire.HeaderPair), 10, 32); err == nil {
		x.pair = wire.PairID(n)
	}
	e.serve(w, r, x)
}

// handlePut stores what a neighbour or the origin sends: a live playlist before
// it is given out, or the second copy of a segment (claim 7).
func (e *Edge) handlePut(w http.ResponseWriter, r *http.Request) {
	key, ok := rules.KeyOf(strings.TrimPrefix(r.URL.Path, wire.PathObject), r.URL.RawQuery)
	if !ok || r.ContentLength < 0 {
		http.Error(w, "want a path and a Content-Length", http.StatusBadRequest)
		return
	}
	m := segstore.Meta{
		Status: http.StatusOK, ContentType: r.Header.Get("Content-Type"), ETag: r.Header.Get("ETag"), LastModified: r.Header.Get("Last-Modified"),
		CacheControl: r.Header.Get("Cache-Control"), Encoding: r.Header.Get("Content-Encoding"), Expires: r.Header.Get("Expires"),
		Size: r.ContentLength, Digest: r.Header.Get(wire.HeaderDigest), Stored: unixMilli(r.Header.Get(wire.HeaderStored)),
		Fields: fieldsSent(r.Header), Volatile: r.Header.Get(wire.HeaderVolatile) == "1", Stream: streamOf(e.placement(), rules.PathOf(key)),
	}
	e.settleFresh(&m, r.Header, key)
	if err := e.putObject(key, m, r.Body); err != nil {
		status := http.StatusUnprocessableEntity
		if errors.Is(err, segstore.ErrTooLarge) {
			status = http.StatusRequestEntityTooLarge
		}
		http.Error(w, err.Error(), status)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// settleFresh is the life of what was sent: as the neighbour says, else as the
// origin's own rules say.
func (e *Edge) settleFresh(m *segstore.Meta, h http.Header, key string) {
	now := e.now()
	if m.Stored.IsZero() {
		m.Stored = now
	}
	if fresh := h.Get(wire.HeaderFresh); fresh != "" {
		m.Fresh = unixMilli(fresh)
		return
	}
	m.Fresh = now.Add(rules.Of(rules.Head{Status: http.StatusOK, Header: h, Kind: media.KindOf(rules.PathOf(key), m.ContentType)}, now).Fresh)
}

// putObject stores an object that was sent. A live playlist is looked at like
// one that was fetched: it must not go back.
func (e *Edge) putObject(key string, m segstore.Meta, body io.Reader) error {
	if m.Volatile && m.Size <= maxPlaylist {
		text, err := io.ReadAll(io.LimitReader(body, m.Size+1))
		if err != nil {
			return err
		}
		e.learn(key, text, e.now())
		if _, back := e.goesBack(key, text, e.now()); back {
			return nil
		}
		body = bytes.NewReader(text)
	}
	return e.store.Put(key, m, body)
}

func (e *Edge) handleSessions(w http.ResponseWriter, r *http.Request) {
	limit, err := strconv.Atoi(r.URL.Query().Get("limit"))
	if err != nil || limit < 0 {
		limit = 1000
	}
	list, total := e.sessions.list(min(limit, 100000))
	reply(w, wire.SessionList{Total: total, Sessions: list})
}
