package systest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// usage is what one process holds: goroutines, descriptors, bytes that are alive,
// and stored objects, each of which may have a descriptor. What the process has of
// the kernel says less: garbage may lie up to the floor under the heap.
type usage [4]float64

var usageNames = []string{"go_goroutines", "process_open_fds", "go_memstats_heap_alloc_bytes", "tandem_edge_store_objects"}

// resources asks every process for what it holds.
func (d *drill) resources() (map[string]usage, error) {
	f := d.h.File()
	all := map[string]usage{}
	for _, n := range f.Nodes {
		resp, err := http.Get(n.Admin + "/debug/pprof/heap?gc=1") // collects
		if err != nil {
			return nil, err
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if resp, err = http.Get(n.Admin + "/metrics"); err != nil {
			return nil, err
		}
		var u usage
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			name, value, _ := strings.Cut(lines.Text(), " ")
			if i := slices.Index(usageNames, name); i >= 0 {
				u[i], _ = strconv.ParseFloat(value, 64)
			}
		}
		resp.Body.Close()
		if slices.Contains(u[:3], 0) {
			return nil, fmt.Errorf("%s tells %v", n.Name, u)
		}
		all[n.Name] = u
	}
	return all, nil
}

// same waits until every process holds about what it held when all was warm.
func (d *drill) same(when string, warm map[string]usage) {
	var now map[string]usage
	err := d.until("every process holds what it held", func() (err error) {
		if now, err = d.resources(); err != nil {
			return err
		}
		for name, u := range now {
			if w := warm[name]; u[0] > w[0]+50 || u[1]-u[3] > w[1]+50 || u[2] > w[2]+16e6 {
				err = errors.Join(err, fmt.Errorf("%s holds %.0f, and held %.0f", name, u, w))
			}
		}
		return err
	})
	for _, n := range d.h.File().Nodes {
		d.t.Logf("%s %s: goroutines, descriptors, memory, objects %.0f -> %.0f", n.Name, when, warm[n.Name], now[n.Name])
	}
	if err != nil {
		d.t.Errorf("%s: %v", when, err)
	}
}
