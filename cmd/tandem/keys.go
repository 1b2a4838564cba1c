package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"tandem/internal/setting"
	"tandem/internal/wire"
)

func keysCommand() command {
	c := &client{}
	return command{
		name: "keys", args: "[rotate PURPOSE | drop PURPOSE ID]",
		summary: "the keys that seal sessions' addresses and datagrams: show them, change them",
		about: "`rotate` makes the next key, which seals when every node has it; no viewer sees it. A former key\n" +
			"opens until nothing good is sealed with it. `drop` ends one at once: sessions that it has named\n" +
			"have to be opened anew. PURPOSE is tokens or datagrams.",
		example: "tandem keys\ntandem keys rotate tokens\ntandem keys drop tokens 3",
		rows:    c.listRows,
		run:     func(ctx context.Context, args []string, out io.Writer) error { return runKeys(ctx, c, args, out) },
	}
}

func runKeys(ctx context.Context, c *client, args []string, out io.Writer) error {
	switch {
	case len(args) == 0:
		return show(ctx, c, "/api/v1/keys", out, keyTable)
	case len(args) == 2 && args[0] == "rotate":
		if err := c.call(ctx, http.MethodPost, "/api/v1/keys/"+url.PathEscape(args[1])+"/rotate", nil, nil); err != nil {
			return fmt.Errorf("keys rotate %s: %w", args[1], err)
		}
		return say(out, "a new key for %s is made known; it seals when every node has it", args[1])
	case len(args) == 3 && args[0] == "drop":
		if err := c.call(ctx, http.MethodDelete, "/api/v1/keys/"+url.PathEscape(args[1])+"/"+url.PathEscape(args[2]), nil, nil); err != nil {
			return fmt.Errorf("keys drop %s %s: %w", args[1], args[2], err)
		}
		fmt.Fprintf(out, "key %s for %s is void\n", args[2], args[1])
		return nil
	}
	return setting.Usage("keys: want nothing, rotate PURPOSE, or drop PURPOSE ID")
}

func keyTable(out io.Writer, keys []wire.KeyStatus) {
	t := newTable("PURPOSE", ">ID", "STATE", "MADE", "CEASED")
	at := func(ms int64) string {
		if ms == 0 {
			return "-"
		}
		return time.UnixMilli(ms).Format(time.DateTime)
	}
	for _, k := range keys {
		t.add(string(k.Purpose), k.ID, k.State, at(k.Made), at(k.Ceased))
	}
	t.print(out)
}
