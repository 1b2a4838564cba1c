package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"time"

	"tandem/internal/cluster"
	"tandem/internal/setting"
)

func killCommand() command {
	return nodeOrder("kill", "kill a node of a demo, as a power cut does", func(_ context.Context, c *cluster.Cluster, n cluster.Node) (string, error) {
		return n.Name + " is dead", c.Kill(n.Name)
	})
}

func stopCommand() command {
	return nodeOrder("stop", "halt a node of a demo: it accepts, and nothing moves", func(_ context.Context, c *cluster.Cluster, n cluster.Node) (string, error) {
		return n.Name + " is halted", c.Stop(n.Name)
	})
}

// startLimit is how long a node may take until it is ready.
const startLimit = 30 * time.Second

func startCommand() command {
	return nodeOrder("start", "bring a node of a demo back that was killed or halted", func(ctx context.Context, c *cluster.Cluster, n cluster.Node) (string, error) {
		switch {
		case n.Halted():
			return n.Name + " goes on", c.Cont(n.Name)
		case n.Running():
			return "", fmt.Errorf("it runs, as process %d", n.PID)
		}
		if err := c.Restart(n.Name); err != nil {
			return "", err
		}
		return n.Name + " is started, and ready", c.AwaitReady(ctx, n.Name, startLimit)
	})
}

// nodeOrder is a command that does something to a process of a demo: by itself where
// it has the cluster.json, and else through the demo, which any of its balancers asks.
func nodeOrder(what, summary string, do func(context.Context, *cluster.Cluster, cluster.Node) (string, error)) command {
	c := &client{}
	return command{
		name: what, args: "NODE", summary: summary,
		about:   "NODE is a name of cluster.json: edge-1, lb-2, origin-1. On a cluster of machines this is systemctl's and kill's.",
		example: "tandem " + what + " edge-1",
		rows:    c.rows,
		run: func(ctx context.Context, args []string, out io.Writer) error {
			if len(args) != 1 || args[0] == "" {
				return setting.Usage("%s: name one node of the demo: tandem %s edge-1", what, what)
			}
			var did string
			var err error
			if c.file() == "" || c.admin != "" {
				did, err = throughDemo(ctx, c, what, args[0])
			} else {
				did, err = byFile(ctx, c, args[0], do)
			}
			if err != nil {
				return fmt.Errorf("%s %s: %w", what, args[0], err)
			}
			return say(out, "%s", did)
		},
	}
}

// byFile does it by the cluster.json.
func byFile(ctx context.Context, c *client, name string, do func(context.Context, *cluster.Cluster, cluster.Node) (string, error)) (string, error) {
	known, err := cluster.Attach(c.file())
	if err != nil {
		return "", err
	}
	n, err := known.Node(name)
	if err != nil {
		return "", err
	}
	return do(ctx, known, n)
}

// throughDemo has the demo do it.
func throughDemo(ctx context.Context, c *client, what, name string) (string, error) {
	var state struct {
		Nodes []struct{ Name, State string } `json:"nodes"`
	}
	if err := c.call(ctx, "POST", "/api/v1/demo/nodes/"+url.PathEscape(name)+"/"+what, nil, &state); err != nil {
		return "", err
	}
	for _, n := range state.Nodes {
		if n.Name == name {
			return name + " is " + n.State, nil
		}
	}
	return name + ": done", nil
}
