package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"tandem/internal/cluster"
	"tandem/internal/setting"
)

// maxReason bounds what a node says of why it is not ready.
const maxReason = 4096

func readyCommand() command {
	var admin, ca string
	return command{
		name:    "ready",
		summary: "ask one node whether it is ready; exit 1 if not (for containers' health checks)",
		example: "tandem ready --admin http://127.0.0.1:9081",
		rows: func() []setting.Row {
			return []setting.Row{
				setting.String(&admin, "admin", defaultAdmin, "Admin URL of the node."),
				setting.String(&ca, "ca", "", "File with the certificates, PEM, by which https is trusted (default: this machine's roots)."),
			}
		},
		run: func(ctx context.Context, _ []string, out io.Writer) error { return ready(ctx, admin, ca, out) },
	}
}

func ready(ctx context.Context, admin, ca string, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, clientLimit)
	defer cancel()
	admin = strings.TrimRight(baseOf(admin, ca != ""), "/")
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, admin+"/readyz", nil)
	if err != nil {
		return setting.Usage("--admin %q is no URL: http://HOST:PORT", admin)
	}
	o, err := cluster.NewOperator(ca)
	if err != nil {
		return setting.Usage("--ca: %w", err)
	}
	resp, err := o.HTTP.Do(req) // without a token: whether it is ready is no secret
	if err != nil {
		return fmt.Errorf("not ready: %w", unreached(admin, err))
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxReason))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("not ready: %s", bytes.TrimSpace(text))
	}
	_, err = fmt.Fprintln(out, "ready")
	return err
}
