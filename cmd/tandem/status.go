package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
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
	fmt.Fprintln(out, judged(s.Verdict, colours))
	fmt.Fprintf(out, "\n%s on %s, %s, %d refused\nplacement %d, admission %s\n\n",
		plural(s.Sessions, "session"), plural(s.Streams, "stream"), plural(int(s.Takeovers), "takeover"), s.Refused, s.Version, s.Admission)
	lbs := newTable("BALANCER", "ROLE", ">PLACEMENT", "VIEWERS", "ADMIN")
	var notes []string // beside the figures there is no room for them
	for _, b := range s.Balancers {
		version := "-" // nobody has heard it
		if b.Version > 0 || b.Alive {
			version = fmt.Sprint(b.Version)
		}
		lbs.add(b.Name, balancerRole(b), version, b.HTTP, cmp.Or(b.Admin, "-"))
		if b.Note != "" {
			notes = append(notes, setting.Wrap(b.Name+": "+b.Note, 0))
		}
	}
	lbs.spare = []int{3} // players' addresses are no operator's
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
	for _, p := range s.Pairs {
		if p.Note != "" {
			notes = append(notes, setting.Wrap(fmt.Sprintf("pair %d: %s", p.ID, p.Note), 0))
		}
	}
	if notes = append(notes, edgeNotes(s.Edges)...); len(notes) > 0 {
		fmt.Fprintf(out, "\n%s\n", strings.Join(notes, "\n"))
	}
}

// zoneTable says what the loss of all edges of a zone at once would cost.
func zoneTable(zones []wire.ZoneLoss, colours bool) *table {
	t := newTable("ZONE", "EDGES", ">MARGIN", ">FROM ORIGIN", ">LOST", "")
	for _, z := range zones {
		note := "survived"
		if z.Lost > 0 {
			note = "not survived"
		}
		t.add(z.Zone, few(z.Edges), z.Margin, z.Given, z.Lost, note)
	}
	t.paint = painter(colours, 5, "survived", "not survived", "")
	return t
}

// few is as many names as there is room for beside figures.
func few(names []string) string {
	const room = 28
	if all := strings.Join(names, " "); len(names) < 3 || len(all) <= room {
		return all
	}
	n := 1
	for n < len(names) && len(strings.Join(names[:n+1], " ")) <= room-len(" and 99 more") {
		n++
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:n], " "), len(names)-n)
}

// judged is the verdict, broken at the width of a terminal.
func judged(v wire.Verdict, colours bool) string {
	head := setting.Wrap(v.Text, 0)
	if colours {
		head = [...]func(string) string{wire.Good: green, wire.Warn: yellow, wire.Bad: red}[v.Level](head)
	}
	for _, line := range []string{v.More, v.Next} {
		if line != "" {
			head += "\n" + setting.Wrap(line, 0)
		}
	}
	return head
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
	t := newTable(">PAIR", "LOW", "HIGH", ">SLOTS", ">BOUNDARY", ">HOME", ">AT LOW", ">AT HIGH", ">STREAMS", "")
	for _, p := range pairs {
		note := ""
		switch {
		case p.Retiring:
			note = "retiring"
		case p.Boundary != p.Home:
			note = "moved"
		}
		t.add(p.ID, p.Low, p.High, p.Slots, p.Boundary, p.Home, p.LowDelivering, p.HighDelivering, p.Streams, note)
	}
	t.paint = painter(colours, 9, "", "", "")
	return t
}
