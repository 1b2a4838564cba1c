package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
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
		about:   "A listener with TLS is asked by it; on this machine its certificate is not looked at without --ca.",
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
	status, text, err := readiness(ctx, admin, ca)
	if err == nil && status == http.StatusBadRequest && isTLS(text) {
		status, text, err = readiness(ctx, secured(admin), ca)
	}
	switch {
	case err != nil:
		return err
	case status != http.StatusOK:
		return fmt.Errorf("not ready: %s", bytes.TrimSpace(text))
	}
	_, err = fmt.Fprintln(out, "ready")
	return err
}

// readiness asks once.
func readiness(ctx context.Context, admin, ca string) (status int, text []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, admin+"/readyz", nil)
	if err != nil {
		return 0, nil, setting.Usage("--admin %q is no URL: http://HOST:PORT", admin)
	}
	o, err := cluster.NewOperator(ca)
	if err != nil {
		return 0, nil, setting.Usage("--ca: %w", err)
	}
	if ca == "" && onThisMachine(req.URL.Hostname()) {
		o.HTTP.Transport = &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} // a node's certificate names no loopback address; nobody is between, and nothing is shown
	}
	resp, err := o.HTTP.Do(req) // without a token: whether it is ready is no secret
	if err != nil {
		return 0, nil, fmt.Errorf("not ready: %w", unreached(admin, err))
	}
	defer resp.Body.Close()
	text, err = io.ReadAll(io.LimitReader(resp.Body, maxReason))
	return resp.StatusCode, text, err
}

func onThisMachine(host string) bool { return host == "localhost" || net.ParseIP(host).IsLoopback() }
