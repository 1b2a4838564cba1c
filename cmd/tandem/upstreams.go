package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"tandem/internal/secret"
	"tandem/internal/setting"
	"tandem/internal/wire"
)

func upstreamsCommand() command {
	c := &client{}
	return command{
		name: "upstreams", args: "[set FILE | clear]",
		summary: "where edges get what they lack: show the cluster's origins by prefix, change them",
		about: "`set` puts the rows of a file (docs/origins.md) in place of those that are there, on every edge and\n" +
			"without a restart. They go before an edge's own --upstreams and --origin, prefix by prefix; `clear`\n" +
			"leaves those alone. What is secret is not shown.",
		example: "tandem upstreams\ntandem upstreams set upstreams.yaml\ntandem upstreams clear",
		rows:    c.listRows,
		run:     func(ctx context.Context, args []string, out io.Writer) error { return runUpstreams(ctx, c, args, out) },
	}
}

func runUpstreams(ctx context.Context, c *client, args []string, out io.Writer) error {
	all := []wire.Upstream{}
	switch {
	case len(args) == 0:
		return show(ctx, c, "/api/v1/upstreams", out, upstreamTable)
	case len(args) == 1 && args[0] == "clear":
	case len(args) == 2 && args[0] == "set":
		text, err := secret.Read(args[1]) // it may hold credentials
		if err == nil {
			err = setting.Document(args[1], text, &all)
		}
		if err == nil {
			err = wire.CheckUpstreams(all)
		}
		if err == nil && len(all) == 0 {
			err = fmt.Errorf("%s has no row (tandem upstreams clear removes all)", args[1])
		}
		if err != nil {
			return setting.Usage("upstreams set: %w", err)
		}
	default:
		return setting.Usage("upstreams: want nothing, set FILE, or clear")
	}
	var now []wire.Upstream
	if err := c.call(ctx, http.MethodPut, "/api/v1/upstreams", all, &now); err != nil {
		return fmt.Errorf("upstreams: %w", err)
	}
	upstreamTable(out, now)
	return nil
}

func upstreamTable(out io.Writer, all []wire.Upstream) {
	if len(all) == 0 {
		fmt.Fprintln(out, "no upstreams: edges go by their own settings")
		return
	}
	t := newTable("PREFIX", "ORIGINS", "POLICY", "REDIRECTS", "HEALTH CHECK")
	for _, u := range all {
		var servers []string
		for _, s := range u.Servers {
			url := s.URL
			if s.Backup {
				url += " (backup)"
			}
			servers = append(servers, url)
		}
		policy, redirects, check := wire.UpstreamFirst, wire.RedirectRewrite, "-"
		if u.Policy != "" {
			policy = u.Policy
		}
		if u.Redirects != "" {
			redirects = u.Redirects
		}
		if u.Check != nil {
			check = u.Check.Target
		}
		t.add(u.Prefix, strings.Join(servers, " "), policy, redirects, check)
	}
	t.print(out)
}
