package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"tandem/internal/setting"
	"tandem/internal/wire"
)

func statusCommand() command {
	c := &client{}
	watch := false
	return command{
		name:    "status",
		summary: "the cluster now: balancers, ring, edges, pairs with their boundaries",
		example: "tandem status --watch\ntandem status --json | jq .edges",
		rows: func() []setting.Row {
			return append(c.listRows(), setting.Bool(&watch, "watch", false, "Draw it anew each half second until Ctrl-C."))
		},
		run: func(ctx context.Context, _ []string, out io.Writer) error {
			if watch && !c.json {
				return watchStatus(ctx, c, out)
			}
			colours := terminal(out)
			return show(ctx, c, "/api/v1/status", out, func(out io.Writer, s wire.Status) { printStatus(out, &s, colours) })
		},
	}
}

// watchStatus draws the status over itself. An error is shown and not fatal:
// the next balancer, or the same one later, may answer.
func watchStatus(ctx context.Context, c *client, out io.Writer) error {
	colours := terminal(out)
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		var frame bytes.Buffer
		var s wire.Status
		if err := c.call(ctx, http.MethodGet, "/api/v1/status", nil, &s); err != nil {
			fmt.Fprintf(&frame, "%s\n", oneLine(err))
		} else {
			printStatus(&frame, &s, colours)
		}
		if ctx.Err() != nil {
			return nil
		}
		text := frame.String()
		if colours {
			// Home, each line cleared to its end, the rest of the screen cleared:
			// no flicker, and nothing of a longer frame stays.
			text = "\x1b[H" + strings.ReplaceAll(text, "\n", "\x1b[K\n") + "\x1b[J"
		}
		fmt.Fprint(out, text)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func printStatus(out io.Writer, s *wire.Status, colours bool) {
	title := fmt.Sprintf("placement %d   %d sessions on %d streams   admission %s   %d takeovers   %d refused",
		s.Version, s.Sessions, s.Streams, s.Admission, s.Takeovers, s.Refused)
	if colours {
		title = bold(title)
	}
	fmt.Fprintln(out, title)
	if text := trouble(s); text != "" {
		if colours {
			text = red(text)
		}
		fmt.Fprintln(out, text)
	}
	fmt.Fprintln(out)
	lbs := newTable("BALANCER", "ROLE", ">PLACEMENT", "VIEWERS", "ADMIN", "")
	for _, b := range s.Balancers {
		lbs.add(b.Name, balancerRole(b), b.Version, b.HTTP, b.Admin, b.Problem)
	}
	lbs.paint = painter(colours, 1, "leader", "gone", "follower")
	lbs.print(out)
	fmt.Fprintln(out)
	edgeTable(s.Edges, colours).print(out)
	fmt.Fprintln(out)
	pairTable(s.Pairs, colours).print(out)
	if len(s.Zones) > 0 {
		fmt.Fprintln(out)
		zoneTable(s.Zones, colours).print(out)
	}
}

// zoneTable says what the loss of all edges of a zone at once would cost.
func zoneTable(zones []wire.ZoneLoss, colours bool) *table {
	t := newTable("ZONE", "EDGES", ">N-1 MARGIN", ">FROM THE ORIGIN", ">LOST", "")
	for _, z := range zones {
		note := "its loss is survived"
		if z.Lost > 0 {
			note = "its loss is not survived"
		}
		t.add(z.Zone, strings.Join(z.Edges, " "), z.Margin, z.Given, z.Lost, note)
	}
	t.paint = painter(colours, 5, "its loss is survived", "its loss is not survived", "")
	return t
}

// trouble says in one line what an operator has to know first, "" when nothing is
// wrong with the balancers.
func trouble(s *wire.Status) string {
	if s.Majority && !slices.ContainsFunc(s.Edges, func(e wire.EdgeStatus) bool { return e.State == wire.EdgeSilent }) {
		return ""
	}
	var silent []string
	for _, e := range s.Edges {
		if e.State == wire.EdgeSilent {
			silent = append(silent, e.Name+" silent, "+standInText(e.StandIns))
		}
	}
	switch {
	case s.Majority:
		return strings.Join(silent, "; ")
	case len(silent) == 0:
		return "no majority: sessions go on, the placement can't change"
	default:
		return "no majority; " + strings.Join(silent, "; ")
	}
}

// standInText is "edge-2 stands in", "edge-2 and edge-4 stand in".
func standInText(edges []string) string {
	if len(edges) == 1 {
		return edges[0] + " stands in"
	}
	return strings.Join(edges, " and ") + " stand in"
}

func balancerRole(b wire.BalancerInfo) string {
	switch {
	case !b.Alive:
		return "gone"
	case b.Leader:
		return "leader"
	case b.Voter:
		return "follower"
	default:
		return "learner"
	}
}

// painter colours one column: good green, bad red, plain not at all, anything
// else yellow.
func painter(colours bool, column int, good, bad, plain string) func(int, string) string {
	if !colours {
		return nil
	}
	return func(i int, text string) string {
		switch {
		case i != column || text == plain || text == "":
			return text
		case text == good:
			return green(text)
		case text == bad:
			return red(text)
		default:
			return yellow(text)
		}
	}
}

func pairTable(pairs []wire.PairStatus, colours bool) *table {
	t := newTable(">PAIR", "LOW", "HIGH", ">SLOTS", ">BOUNDARY", ">HOME", ">LOW DELIVERS", ">HIGH DELIVERS", ">STREAMS", "")
	for _, p := range pairs {
		note := ""
		switch {
		case p.Retiring:
			note = "retiring"
		case len(p.Adopted) > 0:
			note = "adopted by " + p.Adopted[0].Edge
		case p.Boundary != p.Home:
			note = "moved"
		case p.SameZone:
			note = "both in one zone"
		}
		t.add(p.ID, p.Low, p.High, p.Slots, p.Boundary, p.Home, p.LowDelivering, p.HighDelivering, p.Streams, note)
	}
	t.paint = painter(colours, 9, "", "", "")
	return t
}
