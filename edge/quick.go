package edge

import (
	"net/http"
	"time"

	"tandem/edge/manifest"
	"tandem/edge/member"
	"tandem/edge/rules"

	"tandem/internal/front"
	"tandem/internal/h1"
	"tandem/internal/sealedhead"
	"tandem/internal/wire"
	"tandem/segstore"
)

// quick answers hits on a loop: complete and fresh copies whose bytes are in
// memory. It leaves everything else, refusals included, to the Handler, which
// begins anew; so nothing is counted here before the answer is certain.
type quick struct {
	e   *Edge
	l   *front.Loop
	via string // "": none

	inner h1.Request         // that a sealed one holds
	seal  *sealedhead.Answer // of the request that is being answered; nil: it was not sealed
	plain []byte             // a head that is to be sealed
}

// Quick is for a front.Config.
func (e *Edge) Quick(l *front.Loop) front.Quick { return &quick{e: e, l: l} }

// QuickVia is Quick for viewers of another server in the same process, which says
// so.
func (e *Edge) QuickVia(l *front.Loop, via string) front.Quick { return &quick{e: e, l: l, via: via} }

// lines are the fields of an answer as bytes.
type lines struct{ b []byte }

// Set appends a field.
func (l *lines) Set(name, value string) {
	l.b = append(append(append(append(l.b, name...), ": "...), value...), "\r\n"...)
}

// Add appends a field.
func (l *lines) Add(name, value string) { l.Set(name, value) }

// Lines appends fields that are ready.
func (l *lines) Lines(text string) { l.b = append(l.b, text...) }

// Serve is a front.Quick's.
func (q *quick) Serve(c *front.Conn, h *h1.Request) bool {
	if h.Target == wire.PathSealed && q.e.grants != nil && q.e.cfg.NodeListen == "" {
		return q.sealed(c, h)
	}
	return q.serve(c, h, q.e.cfg.shown(h))
}

// serve answers; node: a node asks.
func (q *quick) serve(c *front.Conn, h *h1.Request, node bool) bool {
	if h.Method != http.MethodGet && (h.Method != http.MethodHead || h.Get("Range") != "") {
		return false
	}
	e := q.e
	x, refused := e.requestOf(h, h.Host, h.Target, c.Remote().String(), node)
	if refused.status != 0 {
		return false
	}
	view, ok := e.store.Glance(x.Key)
	if !ok {
		return false
	}
	if meta := view.Meta(); x.asksForEntry(h) != "" && manifest.Doubtful(x.Key, &meta) {
		view.Close()
		return false
	}
	if !q.answer(c, h, view, &x) {
		view.Close()
		return false
	}
	return true
}

func (q *quick) answer(c *front.Conn, h *h1.Request, view *segstore.View, x *request) bool {
	e := q.e
	meta := view.Meta()
	if !view.Complete() || !view.Proven() || !view.Fresh(e.now()) || !rules.Selects(meta.Vary, h) || rules.Redirects(meta.Status) {
		return false
	}
	if manifest.Candidate(x.Key, &meta) && !x.Peer {
		entry, known := e.manifests.Known(x.Key, &meta)
		if !known {
			return false
		}
		if entry.Manifest != nil {
			return q.manifest(c, h, view, x, &meta, entry)
		}
	}
	if !rules.Covers(h.Get("Range"), meta.Size) {
		if _, grows := e.manifests.Grows(rules.TargetOf(x.Key)); grows {
			return false
		}
	}
	y := rules.PlanFor(h, &meta)
	out := q.head(x, &meta, y)
	d := &delivery{e: e, view: view, x: *x, size: meta.Size, y: y}
	body := front.Body{Ended: d}
	if y.Bodied() && h.Method != http.MethodHead && y.Length() > 0 {
		d.bodied = true
		if b := view.Bytes(); b != nil {
			body.Bytes = b[y.Part.First : y.Part.Last+1]
		} else if file, ok := view.File(); ok {
			body.File, body.Offset, body.Length = file, y.Part.First, y.Length()
		} else {
			return false
		}
	}
	return q.respond(c, x, &meta, out, body)
}

// manifest answers with a manifest, where that is made already or made soon.
func (q *quick) manifest(c *front.Conn, h *h1.Request, view *segstore.View, x *request, meta *segstore.Meta, entry *manifest.Entry) bool {
	f := q.e.formOf(x, h, meta, entry, false)
	if !f.ready || x.inherited || q.seal != nil { // or what it lists is made ready first; and it may name the session
		return false
	}
	y := rules.PlanFor(h, &f.meta)
	body := front.Body{Ended: &delivery{e: q.e, view: view, x: *x, size: f.meta.Size, y: y}}
	if y.Bodied() && h.Method != http.MethodHead && y.Length() > 0 {
		var ok bool
		if body.Bytes, ok = f.soon(y.Part.First, y.Part.Last); !ok {
			return false
		}
	}
	noteAsked(q.e, x, entry)
	out := q.head(x, &f.meta, y)
	f.says(&out)
	return q.respond(c, x, meta, out, body)
}

// head begins the answer.
func (q *quick) head(x *request, meta *segstore.Meta, y rules.Plan) lines {
	out := lines{front.AppendStatus(q.l.Scratch(), y.Status)}
	q.e.head(&out, meta, x, rules.CacheStatus{Outcome: segstore.Hit}, y)
	if y.Lines(meta) == "" {
		out.b = q.l.AppendDate(out.b) // else the stored one is among them
	}
	if q.via != "" {
		out.Add("Via", q.via)
	}
	return out
}

func (q *quick) respond(c *front.Conn, x *request, meta *segstore.Meta, out lines, body front.Body) bool {
	if q.seal != nil {
		out.b = q.sealHead(out.b, int64(len(body.Bytes))+body.Length)
	}
	if !c.Respond(out.b, body) {
		return false
	}
	q.e.fetch.Counts.Hits.Add(1)
	q.e.fetch.Wanted(&x.Request, meta)
	return true
}

// Tick is a front.Quick's: nothing is awaited here.
func (q *quick) Tick(time.Time) time.Time { return time.Time{} }

// Close is a front.Quick's.
func (q *quick) Close() {}

// delivery is an answer on its way; it holds the copy until that is over.
type delivery struct {
	e      *Edge
	view   *segstore.View
	x      request
	size   int64 // of the object
	y      rules.Plan
	bodied bool
}

// Ended is a front.Ender's.
func (d *delivery) Ended(sent int64, whole bool) {
	if !whole && d.bodied {
		_ = d.view.Recheck() // the viewer left, or the file has lost its end: the next one gets a new copy
	}
	d.view.Close()
	d.e.counts.sentBytes.Add(sent)
	if whole && d.bodied && d.x.slot >= 0 && (d.y.Status == http.StatusOK || d.y.Status == http.StatusPartialContent) {
		d.e.member.DeliveredSoon(d.x.Pair, d.x.slot, member.Delivery{Target: d.x.target, First: d.y.Part.First, Last: d.y.Part.Last, Size: d.size, Inherited: d.x.inherited})
	}
}

var (
	_ front.Quick = (*quick)(nil)
	_ front.Ender = (*delivery)(nil)
)
