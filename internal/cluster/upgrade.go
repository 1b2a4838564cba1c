package cluster

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"time"
)

// upgradeLimit is how long a new process may take to serve in a node's place.
const upgradeLimit = 30 * time.Second

// Upgrade makes a node's process start its binary anew and hand its sockets over.
// It returns when the new one serves, with the node as it was before: that process
// ends when what it has in flight has ended.
func (c *Cluster) Upgrade(name string) (before Node, err error) {
	before, err = c.Node(name)
	if err != nil {
		return before, err
	}
	o, err := c.operator()
	if err != nil {
		return before, err
	}
	began := o.started(before.Admin)
	if err := before.Signal(syscall.SIGUSR2); err != nil {
		return before, err
	}
	for end := time.Now().Add(upgradeLimit); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		now := o.started(before.Admin)
		others := before.Others()
		if now == "" || now == began || len(others) != 1 {
			continue
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.file.Node(name).PID = others[0]
		return before, c.file.Write(c.path)
	}
	return before, fmt.Errorf("%s: no other process serves in its place after %s; its log says why", name, upgradeLimit)
}

// started is when the process that answers at an admin listener was started, as
// its metrics say; empty when none answers.
func (o *Operator) started(admin string) string {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, admin+"/metrics", nil)
	if err != nil {
		return ""
	}
	req.Close = true // another process answers the next one
	o.Sign(req)
	resp, err := o.HTTP.Do(req)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), "process_start_time_seconds "); ok {
			return value
		}
	}
	return ""
}
