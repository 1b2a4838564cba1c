package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"tandem/internal/setting"
	"tandem/internal/wire"
)

func drainCommand() command {
	c, preview := &client{}, false
	return command{
		name: "drain", args: "EDGE",
		summary: "take every viewer off an edge; it stays alive and stays a copy",
		about:   "Its neighbours have all that its viewers need; no viewer sees it. `tandem resume` undoes it.",
		example: "tandem drain edge-2 --preview\ntandem drain edge-2",
		rows: func() []setting.Row {
			return append(c.rows(), setting.Bool(&preview, "preview", false, "Only say what it would do."))
		},
		run: func(ctx context.Context, args []string, out io.Writer) error {
			name, err := oneEdge("drain", args)
			if err != nil {
				return err
			}
			if preview {
				return previewDrain(ctx, c, name, out)
			}
			return order(ctx, c, name, "drain", out)
		},
	}
}

func resumeCommand() command {
	return orderCommand("resume", "give a drained edge its viewers back", "tandem resume edge-2",
		"Every boundary goes home, in the document's order.")
}

func removeCommand() command {
	return orderCommand("remove", "take an edge out of the ring for good", "tandem remove edge-2",
		"Its viewers move to its neighbours; when these have copied what they will need, the ring closes\n"+
			"over it and every stream has two copies again. Its process can be ended then.")
}

func orderCommand(what, summary, example, about string) command {
	c := &client{}
	return command{
		name: what, args: "EDGE", summary: summary, example: example, about: about,
		rows: func() []setting.Row { return c.rows() },
		run: func(ctx context.Context, args []string, out io.Writer) error {
			name, err := oneEdge(what, args)
			if err != nil {
				return err
			}
			return order(ctx, c, name, what, out)
		},
	}
}

func oneEdge(what string, args []string) (string, error) {
	if len(args) != 1 || args[0] == "" {
		return "", setting.Usage("%s: name one edge, like: tandem %s edge-2 (tandem edges lists them)", what, what)
	}
	return args[0], nil
}

func order(ctx context.Context, c *client, name, what string, out io.Writer) error {
	if err := c.call(ctx, http.MethodPost, "/api/v1/edges/"+url.PathEscape(name)+"/"+what, nil, nil); err != nil {
		return fmt.Errorf("%s %s: %w", what, name, err)
	}
	fmt.Fprintf(out, "%s: %s is on its way; tandem edges shows it\n", name, what)
	return nil
}

func previewDrain(ctx context.Context, c *client, name string, out io.Writer) error {
	var p wire.Preview
	if err := c.call(ctx, http.MethodGet, "/api/v1/edges/"+url.PathEscape(name)+"/drain", nil, &p); err != nil {
		return fmt.Errorf("drain %s: %w", name, err)
	}
	fmt.Fprintf(out, "a drain of %s moves %d sessions; the fullest edge is then %s with %d of %d\n", p.Edge, p.Moves, p.Peak, p.PeakLoad, p.PeakCap)
	if p.Excess > 0 {
		fmt.Fprintf(out, "%d sessions would not fit and would be refused\n", p.Excess)
	}
	t := newTable(">PAIR", ">BOUNDARY", ">THEN")
	for _, b := range p.Boundaries {
		t.add(b.Pair, b.Before, b.After)
	}
	t.print(out)
	return nil
}
