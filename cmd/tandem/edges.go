package main

import (
	"context"
	"fmt"
	"io"

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
			return show(ctx, c, "/api/v1/edges", out, func(out io.Writer, e []wire.EdgeStatus) { edgeTable(e, colours, true).print(out) })
		},
	}
}

// edgeTable is all of it, or what fits beside the other tables of `tandem status`.
func edgeTable(edges []wire.EdgeStatus, colours, wide bool) *table {
	t := newTable("EDGE", "ZONE", "STATE", ">VIEWERS", ">LIMIT", ">MAX", ">MARGIN", ">STORE", ">SENT", ">HITS", ">ORIGIN", "")
	for _, e := range edges {
		sent := ""
		if wide {
			sent = size(e.SentBytes)
		}
		t.add(e.Name, e.Zone, e.State, e.Delivering, e.Limit, e.Capacity, e.Margin, size(e.StoreBytes), sent,
			share(e.Hits, e.Hits+e.Misses), e.OriginAsked, edgeNote(e))
	}
	t.paint = painter(colours, 2, string(wire.EdgeUp), string(wire.EdgeDown), "")
	return t
}

// edgeNote says in a few words what is special about an edge now.
func edgeNote(e wire.EdgeStatus) string {
	switch {
	case e.State == wire.EdgePending:
		return "tandem accept " + e.Name
	case e.Asks > 0:
		return fmt.Sprintf("states %d: tandem accept %s", e.Asks, e.Name)
	case e.Stopped:
		return "stopped in order"
	case len(e.StandIns) > 0:
		return standInText(e.StandIns)
	case e.Recovery != nil && e.Recovery.Error != "":
		return "recovery: " + e.Recovery.Error
	case e.Recovery != nil && e.Recovery.BytesTotal > 0 && e.State != wire.EdgeUp:
		return fmt.Sprintf("copied %s of %s", size(e.Recovery.Bytes), size(e.Recovery.BytesTotal))
	case e.FailSafe:
		return "stands in"
	default:
		return ""
	}
}
