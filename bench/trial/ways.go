package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// way is one place that a viewer can fetch from: a pathway of HLS content steering
// (RFC 8216bis, 7), or, with the empty id, where the entry came from.
type way struct {
	id       string
	list     string   // URL of its media playlist
	segments []string // their URLs, once that was fetched

	left bool // guarded by ways.mu: a request by it has failed
}

// ways are a viewer's: best first.
type ways struct {
	server string // URL of the steering list; "": not steered

	mu    sync.Mutex
	order []*way // guarded by mu
}

// best is the first way that has not failed.
func (w *ways) best() *way {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, one := range w.order {
		if !one.left {
			return one
		}
	}
	return w.order[0]
}

// leave notes that a way has failed and tells whether there is another one. When all
// have, they are all as good as new, and the viewer has to try again.
func (w *ways) leave(failed *way) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	failed.left = true
	for _, one := range w.order {
		if !one.left {
			return true
		}
	}
	for _, one := range w.order {
		one.left = false
	}
	return false
}

// arrange puts them in the order of a steering list; what it does not name comes last.
func (w *ways) arrange(priority []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var named, others []*way
	for _, id := range priority {
		for _, one := range w.order {
			if one.id == id {
				named = append(named, one)
			}
		}
	}
	for _, one := range w.order {
		if !slices.Contains(named, one) {
			others = append(others, one)
		}
	}
	w.order = append(named, others...)
}

var attribute = regexp.MustCompile(`(SERVER-URI|PATHWAY-ID)="([^"]*)"`)

// open asks for the entry: a media playlist, or a multivariant one with ways.
func (v *viewer) open(ctx context.Context, entry string) error {
	lines, base, err := v.playlist(ctx, entry)
	if err != nil {
		return err
	}
	v.ways = &ways{}
	first, of := "", map[string]bool{}
	for i, line := range lines {
		said := map[string]string{}
		for _, m := range attribute.FindAllStringSubmatch(line, -1) {
			said[m[1]] = m[2]
		}
		switch {
		case strings.HasPrefix(line, "#EXT-X-CONTENT-STEERING:"):
			server, err := base.Parse(said["SERVER-URI"])
			if err != nil {
				return err
			}
			v.ways.server, first = server.String(), said["PATHWAY-ID"]
		case strings.HasPrefix(line, "#EXT-X-STREAM-INF:") && i+1 < len(lines):
			id := said["PATHWAY-ID"]
			if id == "" {
				id = "."
			}
			if variant, err := base.Parse(lines[i+1]); err == nil && !of[id] {
				of[id] = true
				v.ways.order = append(v.ways.order, &way{id: id, list: variant.String()})
			}
		}
	}
	if len(v.ways.order) == 0 {
		v.ways.order = []*way{{list: entry}}
	}
	if v.ways.server != "" {
		v.ways.arrange([]string{first})
		go v.follow(ctx)
	}
	return nil
}

// follow asks for the steering list until ctx ends, as often as its TTL says.
func (v *viewer) follow(ctx context.Context) {
	client := &http.Client{Timeout: 5 * time.Second}
	for ttl := time.Duration(0); ; {
		select {
		case <-ctx.Done():
			return
		case <-time.After(ttl):
		}
		var list struct {
			TTL      int      `json:"TTL"`
			Priority []string `json:"PATHWAY-PRIORITY"`
		}
		if err := steeringList(ctx, client, v.ways.server, &list); err == nil {
			v.ways.arrange(list.Priority)
		}
		ttl = time.Duration(max(list.TTL, 1)) * time.Second // no answer: the last list stands
	}
}

func steeringList(ctx context.Context, client *http.Client, from string, to any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return err
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("steering list: %s", res.Status)
	}
	return json.NewDecoder(res.Body).Decode(to)
}

// silent ends a request of a steered viewer by which nothing comes: it has other ways.
type silent struct {
	io.Reader
	limit *time.Timer
}

func (s silent) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	s.limit.Reset(mostSilence)
	return n, err
}
