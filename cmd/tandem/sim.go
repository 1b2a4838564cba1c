package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"tandem/internal/setting"
	"tandem/internal/sim"
)

func simCommand() command {
	asJSON := false
	return command{
		name: "sim", args: "SCENARIO.yaml",
		summary: "the cluster's own arithmetic on a virtual clock: what would happen if",
		about:   "It runs the very code that places, admits and takes over in a real cluster. - reads standard input.",
		example: "tandem sim docs/scenarios/figure16.yaml\ntandem sim --json docs/scenarios/figure16.yaml | jq .sessions",
		rows: func() []setting.Row {
			return []setting.Row{setting.Bool(&asJSON, "json", false, "One line of JSON a step, line 0 the start.")}
		},
		run: func(ctx context.Context, args []string, out io.Writer) error {
			if len(args) != 1 || args[0] == "" {
				return setting.Usage("sim: name one scenario file, or - for standard input")
			}
			return simulate(ctx, args[0], asJSON, out)
		},
	}
}

func simulate(ctx context.Context, path string, asJSON bool, out io.Writer) error {
	in := os.Stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return fmt.Errorf("scenario: %w", err)
		}
		defer f.Close()
		in = f
	}
	scenario, err := sim.Load(in)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	encoder := json.NewEncoder(out)
	colours := terminal(out)
	return scenario.Run(func(l sim.Line) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if asJSON {
			return encoder.Encode(l)
		}
		printStep(out, l, colours)
		return nil
	})
}

// printStep writes one step as two small tables.
func printStep(out io.Writer, l sim.Line, colours bool) {
	title := fmt.Sprintf("%d  %s", l.Step, l.Did)
	if colours {
		title = bold(title)
	}
	fmt.Fprintf(out, "%s\n   open %d  refused %d  lost %d  moved %d\n", title, l.Sessions.Open, l.Sessions.Refused, l.Sessions.Lost, l.Sessions.Moved)
	edges := newTable("   EDGE", "STATE", ">DELIVERS", ">LIMIT", ">MAX")
	for _, e := range l.Edges {
		edges.add("   "+e.Name, e.State, e.Delivering, e.Limit, e.Capacity)
	}
	edges.paint = painter(colours, 1, "up", "down", "")
	edges.print(out)
	pairs := newTable("   LOW", "HIGH", ">BOUNDARY", ">LOW DELIVERS", ">HIGH DELIVERS")
	for _, p := range l.Pairs {
		pairs.add("   "+p.Low, p.High, p.Boundary, p.LowDelivering, p.HighDelivering)
	}
	pairs.print(out)
	fmt.Fprintln(out)
}
