package main

import (
	"context"
	"io"
	"strings"

	"tandem/internal/setting"
	"tandem/internal/wire"
)

func streamsCommand() command {
	c := &client{}
	return command{
		name:    "streams",
		summary: "every placed stream: its pairs, the edges that hold it, its viewers",
		example: "tandem streams",
		rows:    func() []setting.Row { return c.listRows() },
		run: func(ctx context.Context, _ []string, out io.Writer) error {
			return show(ctx, c, "/api/v1/streams", out, func(out io.Writer, streams []wire.StreamStatus) {
				t := newTable("STREAM", ">VIEWERS", ">PAIRS", "EDGES", "STORED AT")
				for _, s := range streams {
					t.add(s.Stream, s.Sessions, len(s.Pairs), strings.Join(s.Edges, " "), strings.Join(s.Stored, " "))
				}
				t.print(out)
			})
		},
	}
}
