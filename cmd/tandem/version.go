package main

import (
	"context"
	"fmt"
	"io"
	"runtime"

	"tandem/internal/obs"
)

func versionCommand() command {
	return command{
		name:    "version",
		summary: "say what this binary was built from",
		run: func(_ context.Context, _ []string, out io.Writer) error {
			version, commit := obs.Build()
			_, err := fmt.Fprintf(out, "tandem %s\ncommit %s\n%s %s/%s\n", version, commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}
