package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"tandem/internal/setting"
	"tandem/internal/wire"
)

func edgesCommand() command {
	c := &client{}
	return command{
		name:    "edges",
		summary: "every edge: state, load, limit (claim 8), margin after any one death, store",
		example: "tandem edges",
		rows:    func() []setting.Row { return c.listRows() },
		run: func(ctx context.Context, _ []string, out io.Writer) error {
			colours := terminal(out)
			return show(ctx, c, "/api/v1/edges", out, func(out io.Writer, e []wire.EdgeStatus) { printEdges(out, e, colours) })
		},
	}
}

// printEdges is all of it in 80 columns: load, then what the stores do, then what is
// special about some.
func printEdges(out io.Writer, edges []wire.EdgeStatus, colours bool) {
	load := newTable("EDGE", "ZONE", "STATE", ">VIEWERS", ">LIMIT", ">MAX", ">MARGIN")
	stores := newTable("EDGE", ">STORE", ">SENT", ">HITS", ">ORIGIN")
	for _, e := range edges {
		load.add(e.Name, e.Zone, e.State, e.Delivering, e.Limit, e.Capacity, e.Margin)
		stores.add(e.Name, told(e, size(e.StoreBytes)), counted(e, size(e.SentBytes)), counted(e, share(e.Hits, e.Hits+e.Misses)), counted(e, e.OriginAsked))
	}
	load.paint = painter(colours, 2, string(wire.EdgeUp), string(wire.EdgeDown), "")
	stores.paint = painter(colours, -1, "", "", "")
	load.print(out)
	fmt.Fprintln(out)
	stores.print(out)
	if notes := edgeNotes(edges); len(notes) > 0 {
		fmt.Fprintf(out, "\n%s\n", strings.Join(notes, "\n"))
	}
}

// told is what an edge has told of itself; a balancer that was started anew may not have heard
// it yet, which is not 0.
func told(e wire.EdgeStatus, what any) any {
	if e.ReportAge < 0 {
		return "-"
	}
	return what
}

// counted is told for what an edge counts, of which that of its former lives stays.
func counted(e wire.EdgeStatus, what any) any {
	if e.Traffic != (wire.Traffic{}) {
		return what
	}
	return told(e, what)
}

// edgeNotes are what is special about some, a line each: beside the figures there is no
// room for it.
func edgeNotes(edges []wire.EdgeStatus) []string {
	var notes []string
	for _, e := range edges {
		if note := edgeNote(e); note != "" {
			notes = append(notes, setting.Wrap(e.Name+": "+note, 0))
		}
	}
	return notes
}

// edgeTable is what fits beside the other tables of `tandem status`.
func edgeTable(edges []wire.EdgeStatus, colours bool) *table {
	t := newTable("EDGE", "ZONE", "STATE", ">VIEWERS", ">LIMIT", ">MAX", ">MARGIN", ">STORE", ">HITS", ">ORIGIN")
	for _, e := range edges {
		t.add(e.Name, e.Zone, e.State, e.Delivering, e.Limit, e.Capacity, e.Margin, told(e, size(e.StoreBytes)),
			counted(e, share(e.Hits, e.Hits+e.Misses)), counted(e, e.OriginAsked))
	}
	t.paint = painter(colours, 2, string(wire.EdgeUp), string(wire.EdgeDown), "")
	return t
}

// edgeNote says in a few words what is special about an edge now.
func edgeNote(e wire.EdgeStatus) string {
	if r := e.Recovery; r != nil && r.BytesTotal > 0 && r.Error == "" && e.State != wire.EdgeUp && e.State != wire.EdgeDown {
		copied := fmt.Sprintf("copied %s of %s", size(r.Bytes), size(r.BytesTotal))
		return strings.TrimPrefix(e.Note+"; "+copied, "; ")
	}
	return e.Note
}
