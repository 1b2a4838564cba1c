package edge

import (
	"bytes"
	"context"
	"net/http"

	"tandem/edge/fetch"
	"tandem/edge/interim"
	"tandem/edge/manifest"
	"tandem/edge/rules"

	"tandem/internal/call"
	"tandem/internal/media"
	"tandem/internal/wire"
	"tandem/segstore"
)

// A balancer that is asked for something without a session asks along whether it
// is an entry (wire.HeaderManifest). It is if the origin says so: by the answer's
// type, or by how the body begins. Then the answer is that word in place of the
// body: the viewer gets a session, and asks again in it.

// asksForEntry is what a balancer asks along, "" when nobody does: in a session as well, for
// one that did not say so and asks for what may be an entry all the same.
func (x *request) asksForEntry(h rules.Fields) string {
	if !x.Node || x.Peer {
		return ""
	}
	return h.Get(wire.HeaderManifest)
}

// unconditional is a request for the whole, whatever the viewer has of it: what is
// looked at is the whole.
func unconditional(r *http.Request, so bool) *http.Request {
	if !so {
		return r
	}
	r = r.Clone(r.Context())
	for _, name := range []string{"Range", "If-Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"} {
		r.Header.Del(name)
	}
	return r
}

// tellEntry answers a balancer that asks, and tells whether it did: what is no
// manifest is served as it is, unless the balancer wants nothing else.
func (e *Edge) tellEntry(w http.ResponseWriter, r *http.Request, key, ask string, found fetch.Found) bool {
	status, contentType, encoding, head := -1, "", "", []byte(nil)
	waiting := interim.To(w, true)
	waiting.Start()
	switch {
	case found.Passed != nil:
		resp := found.Passed.Head()
		status, contentType, encoding = resp.StatusCode, resp.Header.Get("Content-Type"), resp.Header.Get("Content-Encoding")
		if manifest.Readable(status) {
			head = found.Passed.Peek(encoding)
		}
	case found.View != nil:
		m := found.View.Meta()
		status, contentType, encoding = m.Status, m.ContentType, m.Encoding
		if manifest.Readable(status) {
			head = begin(r.Context(), found.View, encoding)
		}
	}
	waiting.Stop()
	kind := ""
	if manifest.Doubtful(key, &segstore.Meta{Status: status, ContentType: contentType}) {
		kind = manifestKind(contentType, encoding, head)
	}
	switch {
	case kind != "":
		if found.View != nil {
			e.store.Detach(key) // the viewer asks for it next: one too large to be read is still on its way
		}
		w.Header().Set(wire.HeaderManifest, kind)
		w.Header().Set("Content-Length", "0")
		w.WriteHeader(http.StatusOK)
		return true
	case ask == wire.ManifestOnly && status > 0 && status < http.StatusMultipleChoices:
		cors(rules.HeaderWriter{Header: w.Header()}, false)
		call.Refuse(w, http.StatusForbidden, call.ReasonToken, "segments are served within a session; open the stream's playlist first")
		return true
	}
	return false
}

// manifestKind is what a body is to players, "" when it is no manifest.
func manifestKind(contentType, encoding string, head []byte) string {
	head, _ = media.UTF8(manifest.Beginning(encoding, head))
	switch media.ManifestKind(contentType, head) {
	case media.MPD:
		return wire.ManifestMPD
	case media.MediaPlaylist, media.Multivariant:
		if bytes.Contains(head, []byte("#EXT-X-STREAM-INF")) {
			return wire.ManifestMultivariant
		}
		return wire.ManifestMedia
	}
	return ""
}

// begin is the beginning of a body, as much as comes of it without an end and tells
// what it is.
func begin(ctx context.Context, view *segstore.View, encoding string) []byte {
	for got, whole := int64(0), false; ; {
		var err error
		if got, whole, err = view.Wait(ctx, got); err != nil {
			return nil
		}
		if got < manifest.Sniffed && !whole {
			continue
		}
		head := beginning(view, min(got, manifest.Sniffed))
		if got > manifest.Sniffed && manifest.Wants(encoding, head) {
			head = beginning(view, min(got, media.Prologue))
		}
		if whole || !manifest.Wants(encoding, head) {
			return head
		}
	}
}

// beginning are so many bytes that are there.
func beginning(view *segstore.View, n int64) []byte {
	head := make([]byte, n)
	got, _ := view.ReadAt(head, 0)
	return head[:got]
}
