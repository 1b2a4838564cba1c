package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"tandem/bench/lab"
)

// verbs are what can be asked for, and what ip calls it.
var verbs = map[string]string{"cut": "down", "mend": "up"}

// control serves POST /cut/NAME and POST /mend/NAME on the host that it runs
// on. Each is a line to out, and the line that comes back from in is what became
// of it: "ok" or why not. It ends with in.
func control(listen string, in io.Reader, out io.Writer) error {
	var one sync.Mutex // an order and its answer belong together
	answers := make(chan string)
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		for lines := bufio.NewScanner(in); lines.Scan(); {
			answers <- lines.Text()
		}
	}()
	server := &http.Server{Addr: listen, ReadHeaderTimeout: 5 * time.Second}
	server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		verb, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		if r.Method != http.MethodPost || verbs[verb] == "" || name == "" || strings.ContainsAny(name, " \n") {
			http.Error(w, "POST /cut/NAME or /mend/NAME", http.StatusNotFound)
			return
		}
		one.Lock()
		defer one.Unlock()
		fmt.Fprintf(out, "%s %s\n", verb, name)
		select {
		case answer := <-answers:
			if answer != "ok" {
				http.Error(w, answer, http.StatusBadRequest)
			}
		case <-gone:
			http.Error(w, "the cluster is gone", http.StatusServiceUnavailable)
		}
	})
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }()
	select {
	case err := <-failed:
		return err
	case <-gone:
		return server.Close()
	}
}

// orders are what the control passes on.
type orders struct {
	cmd   *exec.Cmd
	stdin io.Closer
	done  chan struct{}
}

// obey starts the control and carries out its orders until it ends.
func (c *file) obey(ctx context.Context, l *lab.Lab) (*orders, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	at := l.Hosts["lb-1"].IP + ":9100"
	cmd := l.Hosts["lb-1"].Command(context.WithoutCancel(ctx), self, "control", at)
	cmd.Stderr = os.Stderr
	answers, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	lines, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("control: %w", err)
	}
	o := &orders{cmd: cmd, stdin: answers, done: make(chan struct{})}
	go func() {
		defer close(o.done)
		for scan := bufio.NewScanner(lines); scan.Scan(); {
			verb, name, _ := strings.Cut(scan.Text(), " ")
			fmt.Fprintln(answers, c.carryOut(ctx, l, verb, name))
		}
	}()
	c.Control = "http://" + at
	return o, nil
}

// carryOut takes the link of a node down or up, and says what became of it.
func (c *file) carryOut(ctx context.Context, l *lab.Lab, verb, name string) string {
	if c.Node(name) == nil {
		return "there is no node " + name
	}
	out, err := l.Hosts[name].Command(ctx, "ip", "link", "set", "eth0", verbs[verb]).CombinedOutput()
	if err != nil {
		return fmt.Sprintf("%v: %s", err, strings.Join(strings.Fields(string(out)), " "))
	}
	return "ok"
}

// end ends the control: its orders' pipe ends.
func (o *orders) end() {
	_ = o.stdin.Close()
	<-o.done
	_ = o.cmd.Wait()
}
