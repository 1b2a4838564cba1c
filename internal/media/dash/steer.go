package dash

import (
	"bytes"
	"strings"

	"tandem/internal/media/steer"
)

// Steer is an MPD with content steering: its base URL is there once for each edge,
// and then for the balancers, as service locations; a dynamic one names, likewise,
// where it is asked for again. False: it is none, or its origin steers itself, offers
// several places, or leads to other hosts; or no balancer has an address of its own that
// could be written here: players take a relative one for that of the page they are in.
func Steer(body []byte, o *steer.Offer) ([]byte, bool) {
	if !o.Good() || len(o.Fronts) == 0 || bytes.Contains(body, []byte("ContentSteering")) {
		return nil, false
	}
	t, ok := readTop(body)
	if !ok {
		return nil, false
	}
	out := append(make([]byte, 0, len(body)+4096), body[:t.insert]...)
	put := func(name, attributes, text string) {
		out = append(append(append(append(append(out, '<'), t.prefix...), name...), attributes...), '>')
		out = append(out, text...)
		out = append(append(append(append(out, "</"...), t.prefix...), name...), '>', '\n')
	}
	for _, way := range append(o.Edges[:len(o.Edges):len(o.Edges)], o.Fronts...) {
		put("BaseURL", ` serviceLocation="`+way.ID+`"`+t.baseMore, t.under(o, way.Base, t.base))
	}
	if t.dynamic && !t.foreign {
		for _, way := range o.Fronts {
			put("Location", ` serviceLocation="`+way.ID+`"`, t.place(o, way.Base))
		}
	}
	first := o.First
	if first == steer.Here {
		first = o.Fronts[0].ID
	}
	put("ContentSteering", ` defaultServiceLocation="`+first+`" queryBeforeStart="false"`, escaped.Replace(o.Fronts[0].Base+o.Server))
	at := t.insert
	for _, cut := range t.cuts {
		out = append(out, body[at:cut.At]...)
		at = cut.End()
	}
	return append(out, body[at:]...), true
}

var escaped = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
