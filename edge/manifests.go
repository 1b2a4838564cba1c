package edge

import (
	"bytes"
	"context"
	"net/http"
	"strings"

	"tandem/edge/fetch"
	"tandem/edge/manifest"
	"tandem/edge/rules"

	"tandem/internal/media"
	"tandem/segstore"
)

// manifestOf is the manifest that an object is, nil: it is none, or is given as it
// is stored, as to neighbours.
func (e *Edge) manifestOf(ctx context.Context, x *request, view *segstore.View, m *segstore.Meta) (*manifest.Entry, error) {
	if x.Peer || !manifest.Candidate(x.Key, m) {
		return nil, nil
	}
	entry, ok := e.manifests.Known(x.Key, m)
	if !ok {
		if !view.Complete() {
			// A manifest comes whole. What may be one, and grows, is looked at.
			if !media.IsPlaylist(media.KindOf(x.Path, m.ContentType)) && media.Sniff(manifest.Beginning(m.Encoding, begin(ctx, view, m.Encoding))) == media.Other {
				return nil, nil
			}
			if wholeBody(ctx, view) != nil {
				return nil, nil // whoever reads it is told why
			}
			*m = view.Meta()
		}
		var err error
		if entry, err = e.manifests.Of(x.Key, view); err != nil {
			return nil, err
		}
	}
	if entry.Manifest == nil {
		return nil, nil
	}
	noteAsked(e, x, entry)
	if x.inherited {
		e.member.Prepare(ctx, x.Pair, x.slot, x.Key)
	}
	return entry, nil
}

// noteAsked notes which manifest a session goes on by: not what one names along.
func noteAsked(e *Edge, x *request, entry *manifest.Entry) {
	if x.slot >= 0 && entry.Kind() != media.Companion {
		e.member.Asked(x.Pair, x.slot, x.Key)
	}
}

// form is a manifest as it goes out to one viewer.
type form struct {
	meta   segstore.Meta // of that
	entry  *manifest.Entry
	prefix string // that its URIs are led with
	body   []byte // what every viewer gets, as it is or encoded; nil: it is made on the way
	ready  bool   // it need not be made first
}

// formOf is the form of a manifest for a request: led into its session, and, where
// that is the same for all, encoded as the viewer likes it. Make allows to wait for
// that.
func (e *Edge) formOf(x *request, h rules.Fields, m *segstore.Meta, entry *manifest.Entry, make bool) form {
	f := form{entry: entry, prefix: prefixOf(e, x, h, entry), body: entry.Led(), ready: true}
	if entry.Recoded() {
		as := *m
		as.ContentType = media.TypeOfUTF8(m.ContentType)
		m = &as
	}
	mark := ""
	if edits := entry.Edits(); edits.Count() > 0 {
		mark = "r" + entry.Mark()
		f.meta = rules.Formed(m, mark, "", edits.Size(f.prefix))
		if x.prefix != "" && strings.HasSuffix(f.prefix, x.prefix) || entry.Abroad() { // a viewer says where he asks
			f.meta.CacheControl = "private, " + rules.ShortLife(m.CacheControl)
		}
	} else {
		f.plain(m)
	}
	coding := manifest.Accepted(h)
	if f.body == nil || coding == manifest.Identity || strings.Contains(strings.ToLower(m.CacheControl), "no-transform") {
		return f
	}
	if body, made := entry.Encoded(coding, make); !made {
		f.ready = false
	} else if body != nil {
		f.body = body
		f.meta = rules.Formed(m, coding.Mark()+mark, coding.String(), int64(len(body)))
	}
	return f
}

// prefixOf is what URIs of a manifest are led with for a request: with the address that the
// viewer asks at where a path alone would be one at another host.
func prefixOf(e *Edge, x *request, h rules.Fields, entry *manifest.Entry) string {
	if entry.Abroad() {
		return rules.Front(h, x.host, x.Node, e.cfg.PublicHosts) + x.prefix
	}
	return entry.Prefix(x.prefix)
}

// plain says of a body without edits and encodings what is true of it: it may have
// come in another form.
func (f *form) plain(m *segstore.Meta) {
	if f.meta = *m; m.Encoding != "" || f.entry.Recoded() {
		f.meta = rules.Formed(m, "i", "", int64(len(f.body)))
	}
}

// says adds what is true of manifests alone.
func (f *form) says(h rules.Header) {
	if f.entry.Varies() {
		h.Add("Vary", "Accept-Encoding")
	}
}

// serveManifest gives a manifest: URIs that would leave the session are led back
// into it, while the body is sent.
func (e *Edge) serveManifest(w http.ResponseWriter, r *http.Request, x *request, how rules.CacheStatus, f form) {
	y := rules.PlanFor(r.Header, &f.meta)
	h := rules.HeaderWriter{Header: w.Header()}
	e.head(h, &f.meta, x, how, y)
	f.says(h)
	w.WriteHeader(y.Status)
	if !y.Bodied() || r.Method == http.MethodHead || y.Length() == 0 {
		return
	}
	e.manifests.Hold(f.entry)
	n, err := f.send(w, y.Part.First, y.Part.Last)
	e.manifests.Release(f.entry)
	e.counts.sentBytes.Add(n)
	if err != nil {
		panic(http.ErrAbortHandler) // visibly broken, never silently short
	}
}

// send writes the bytes from first to last.
func (f *form) send(w http.ResponseWriter, first, last int64) (int64, error) {
	to := f.entry.While(w)
	if f.body != nil {
		n, err := to.Write(f.body[first : last+1])
		return int64(n), err
	}
	n, err := f.entry.Edits().Copy(to, media.Memory(f.entry.Body()), f.prefix, first, last+1)
	if err == nil && n != last+1-first {
		err = fetch.ErrShort
	}
	return n, err
}

// soon is the bytes from first to last where they are not many: what can be had
// without waiting for anybody.
func (f *form) soon(first, last int64) ([]byte, bool) {
	switch {
	case last+1-first > manifest.Small, f.body == nil && last+1-first > quickForm: // its version is held while it is given
		return nil, false
	case f.body != nil:
		return f.body[first : last+1], true
	}
	out := bytes.NewBuffer(make([]byte, 0, last+1-first))
	n, err := f.entry.Edits().Copy(out, media.Memory(f.entry.Body()), f.prefix, first, last+1)
	return out.Bytes(), err == nil && n == last+1-first
}

// quickForm is how much of an edited manifest is made for one viewer on a loop, in
// bytes.
const quickForm = 64 << 10
