package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"tandem/bench/lab"
)

// Faults of the front: of the balancer that has the viewers' address.
const (
	frontKilled    = "front-kill"
	frontRestarted = "front-restart"
	frontStopped   = "front-stop" // it stands still, and its kernel goes on; not one of the report's
)

// address is the viewers' address in those runs, at "lb" until that fails.
const address = "10.91.0.100"

func ofFront(fault string) bool {
	return fault == frontKilled || fault == frontRestarted || fault == frontStopped
}

// ofProcess is what ends the balancer, or halts it.
func ofProcess(fault string) syscall.Signal {
	if fault == frontStopped {
		return syscall.SIGSTOP
	}
	return syscall.SIGKILL
}

// virtual gives the balancers one address that moves, by the files that deploy/ has
// for it, the same for every contender, and returns the entry there.
func virtual(ctx context.Context, l *lab.Lab, entry, health string) (string, error) {
	u, err := url.Parse(entry)
	if err != nil {
		return "", err
	}
	conf, err := os.ReadFile("deploy/keepalived/keepalived.conf")
	if err != nil {
		return "", err
	}
	check, err := filepath.Abs("deploy/health/tandem-health")
	if err != nil {
		return "", err
	}
	for i, name := range balancers[:2] {
		h := l.Hosts[name]
		at := func(what string) string { return filepath.Join(l.Dir, name+"-"+what) }
		// The first one has it from the beginning.
		text := strings.NewReplacer("/run/tandem-health/state", at("state"), "priority 100", fmt.Sprint("priority ", 150-50*i)).Replace(string(conf))
		if err := os.WriteFile(at("keepalived.conf"), []byte(text), 0o644); err != nil {
			return "", err
		}
		if _, err := h.Start("health", "env", "ADDRESS="+address, "FILE="+at("state"), "URL=http://"+h.IP+":8080"+health, "sh", check); err != nil {
			return "", err
		}
		if err := h.Await(ctx, "http://"+h.IP+":8080"+entryPath); err != nil {
			return "", err
		}
		if _, err := h.Start("keepalived", "keepalived", "--dont-fork", "--log-console", "-f", at("keepalived.conf"), "-p", at("keepalived.pid"), "-r", at("vrrp.pid")); err != nil {
			return "", err
		}
		u.Host = address + ":8080"
		if err := l.Hosts["viewers"].Await(ctx, u.String()); err != nil {
			return "", err
		}
	}
	return u.String(), nil
}
