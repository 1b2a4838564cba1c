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
	return foreseenCommand("drain", "take every viewer off an edge; it stays alive and stays a copy",
		"Its neighbours have all that its viewers need; no viewer sees it. `tandem resume` undoes it.")
}

func resumeCommand() command {
	c := &client{}
	return command{
		name: "resume", args: "EDGE",
		summary: "give a drained edge its viewers back, or keep one that leaves", example: "tandem resume edge-2",
		about: "Every boundary goes home, in the document's order.",
		rows:  func() []setting.Row { return c.rows() },
		run: func(ctx context.Context, args []string, out io.Writer) error {
			name, err := oneEdge("resume", args)
			if err != nil {
				return err
			}
			return order(ctx, c, name, "resume", false, out)
		},
	}
}

func removeCommand() command {
	return foreseenCommand("remove", "take an edge out of the ring for good",
		"It delivers until its neighbours have copied what they will need; then the ring closes over it and\n"+
			"every stream has two copies again. Its process can be ended then.")
}

func acceptCommand() command {
	return foreseenCommand("accept", "let an edge join, or have the capacity that it states, by which the others' limits fall",
		"An edge that could take more with it than the others have room for waits until this: its loss has to be\n"+
			"survived as well, so the others keep more room. Its --capacity can be stated lower instead.")
}

// foreseenCommand is an order that says before what it would do.
func foreseenCommand(what, summary, about string) command {
	c, preview, force := &client{}, false, false
	return command{
		name: what, args: "EDGE", summary: summary, about: about,
		example: "tandem " + what + " edge-2 --preview\ntandem " + what + " edge-2",
		rows: func() []setting.Row {
			return append(c.rows(), setting.Bool(&preview, "preview", false, "Only say what it would do."),
				setting.Bool(&force, "force", false, "Do it although sessions would lose their edge."))
		},
		run: func(ctx context.Context, args []string, out io.Writer) error {
			name, err := oneEdge(what, args)
			if err != nil {
				return err
			}
			if preview {
				return foresee(ctx, c, name, what, out)
			}
			return order(ctx, c, name, what, force, out)
		},
	}
}

func oneEdge(what string, args []string) (string, error) {
	if len(args) != 1 || args[0] == "" {
		return "", setting.Usage("%s: name one edge: tandem %s edge-2 (tandem edges lists them)", what, what)
	}
	return args[0], nil
}

func edgePath(name, what string) string { return "/api/v1/edges/" + url.PathEscape(name) + "/" + what }

func order(ctx context.Context, c *client, name, what string, force bool, out io.Writer) error {
	path := edgePath(name, what)
	if force {
		path += "?force=true"
	}
	var done struct {
		Already wire.EdgeState `json:"already"`
	}
	if err := c.call(ctx, http.MethodPost, path, nil, &done); err != nil {
		return fmt.Errorf("%s %s: %w", what, name, err)
	}
	if done.Already != "" {
		return say(out, "%s is %s already: nothing has changed by %s", name, done.Already, what)
	}
	return say(out, "%s: %s is on its way; tandem edges shows it", name, what)
}

func foresee(ctx context.Context, c *client, name, what string, out io.Writer) error {
	var p wire.Preview
	if err := c.call(ctx, http.MethodGet, edgePath(name, what), nil, &p); err != nil {
		return fmt.Errorf("%s %s: %w", what, name, err)
	}
	if p.Already != "" {
		return say(out, "%s is %s already: nothing would change by %s", name, p.Already, what)
	}
	printPreview(out, &p)
	return nil
}

func printPreview(out io.Writer, p *wire.Preview) {
	fmt.Fprintf(out, "%s of %s moves %s\n", p.Order, p.Edge, sessionsText(p.Moves))
	if p.Excess > 0 {
		fmt.Fprintf(out, "%s would lose their edge; --force does it all the same\n", sessionsText(p.Excess))
	}
	if p.Peak != "" {
		fmt.Fprintf(out, "the fullest edge is then %s, %d of %d\n", p.Peak, p.PeakLoad, p.PeakCap)
	}
	survived := "is then survived"
	if p.Margin < 0 {
		survived = "is then not survived"
	}
	fmt.Fprintf(out, "the next death %s: N-1 margin %d (now %d)\n", survived, p.Margin, p.MarginNow)
	fmt.Fprintf(out, "the cluster then admits %s (now %d)\n", sessionsText(p.Limit), p.LimitNow)
	if p.Lowers {
		fmt.Fprintln(out, "the limits of the other edges fall")
	}
	if len(p.Boundaries) == 0 {
		return
	}
	t := newTable(">PAIR", ">BOUNDARY", ">THEN")
	for _, b := range p.Boundaries {
		t.add(b.Pair, b.Before, b.After)
	}
	t.print(out)
}

func sessionsText(n int) string {
	if n == 1 {
		return "1 session"
	}
	return fmt.Sprintf("%d sessions", n)
}
