package main

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"tandem/internal/setting"
)

func unplaceCommand() command {
	c := &client{}
	return command{
		name: "unplace", args: "STREAM",
		summary: "take a stream that nobody watches off its pairs, so that another name has room",
		about:   "It is placed again when the next viewer opens it; edges keep what they store of it. The balancers do it\nby themselves after a time without viewers (unplace-after).",
		example: "tandem unplace /film/",
		rows:    func() []setting.Row { return c.rows() },
		run: func(ctx context.Context, args []string, out io.Writer) error {
			if len(args) != 1 || args[0] == "" {
				return setting.Usage("unplace: name one stream: tandem unplace /film/ (see tandem streams)")
			}
			if err := c.call(ctx, http.MethodPost, "/api/v1/streams/unplace", map[string]string{"stream": args[0]}, nil); err != nil {
				return fmt.Errorf("unplace %s: %w", args[0], err)
			}
			fmt.Fprintf(out, "%s is on no pair now\n", args[0])
			return nil
		},
	}
}
