package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"tandem/internal/setting"
	"tandem/internal/wire"
)

func purgeCommand() command {
	c, prefix, tag, all := &client{}, "", "", false
	return command{
		name: "purge", args: "[URL]",
		summary: "remove objects from every edge, also from one that is away, when it is back",
		example: "tandem purge http://127.0.0.1:8080/film/master.m3u8\ntandem purge --prefix /film/\ntandem purge --tag film-7\ntandem purge --all",
		rows: func() []setting.Row {
			return append(c.rows(), setting.String(&prefix, "prefix", "", "Remove all whose path begins so."), setting.String(&tag, "tag", "", "Remove all that the origin has named so (Surrogate-Key, Cache-Tag)."), setting.Bool(&all, "all", false, "Remove everything."))
		},
		run: func(ctx context.Context, args []string, out io.Writer) error {
			p, err := purgeOf(args, prefix, tag, all)
			if err != nil {
				return err
			}
			var answer wire.PurgeAnswer
			if err := c.call(ctx, http.MethodPost, "/api/v1/purge", p, &answer); err != nil {
				return fmt.Errorf("purge %s: %w", p.Names(), err)
			}
			for _, name := range slices.Sorted(maps.Keys(answer.Removed)) {
				fmt.Fprintf(out, "%s: %d removed\n", name, answer.Removed[name])
			}
			for _, name := range answer.Failed {
				fmt.Fprintf(out, "%s: does not answer; it will do it when it is back\n", name)
			}
			return nil
		},
	}
}

// purgeOf wants exactly one of a URL, a prefix, a tag and everything.
func purgeOf(args []string, prefix, tag string, all bool) (wire.Purge, error) {
	given := len(args)
	if prefix != "" {
		given++
	}
	if tag != "" {
		given++
	}
	if all {
		given++
	}
	if given != 1 {
		return wire.Purge{}, setting.Usage("purge: give one of: a URL, --prefix /path/, --tag NAME, --all")
	}
	if all {
		return wire.Purge{Prefix: "/"}, nil
	}
	p := wire.Purge{Prefix: prefix, Tag: tag}
	if prefix == "" && tag == "" {
		u, err := url.Parse(args[0])
		if err != nil {
			return wire.Purge{}, setting.Usage("purge: %q is no URL", args[0])
		}
		if !strings.HasPrefix(u.EscapedPath(), "/") {
			return wire.Purge{}, setting.Usage("purge: %q is no URL: want one like http://HOST/film/x.m3u8, or its path", args[0])
		}
		p = wire.Purge{Prefix: u.EscapedPath(), Exact: true}
		if _, rest, ok := wire.SplitPath(p.Prefix); ok {
			p.Prefix = rest // a viewer's address, with a token: the object is the same
		}
		if u.RawQuery != "" {
			p.Prefix += "?" + u.RawQuery
		}
	}
	if err := p.Check(); err != nil {
		return wire.Purge{}, setting.Usage("purge: %s", err)
	}
	return p, nil
}
