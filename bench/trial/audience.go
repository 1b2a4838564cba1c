package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"tandem/bench/lab"
)

// order is what the audience process is told on its standard input.
type order struct {
	Entry   string            `json:"entry"`
	Viewers int               `json:"viewers"`
	Digests map[string]string `json:"digests"`
	Seconds int               `json:"seconds"`
	Retries int               `json:"retries"` // of those who retry at all
	Pause   time.Duration     `json:"pause"`   // before each of them
}

// audience is the program inside the viewers' host: it plays all viewers and
// writes a JSON line for each when they have ended.
func audience(in io.Reader, out io.Writer) error {
	var o order
	if err := json.NewDecoder(in).Decode(&o); err != nil {
		return fmt.Errorf("audience: order: %w", err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, time.Duration(o.Seconds)*time.Second)
	defer cancel()
	viewers := make([]*viewer, o.Viewers)
	var all sync.WaitGroup
	for i := range viewers {
		viewers[i] = newViewer(i, o)
		all.Add(1)
		go func() {
			defer all.Done()
			// Spread over one segment, as viewers of a real stream are.
			select {
			case <-ctx.Done():
			case <-time.After(time.Duration(i) * segmentSeconds * time.Second / time.Duration(o.Viewers)):
			}
			viewers[i].run(ctx, o.Entry)
		}()
	}
	all.Wait()
	enc := json.NewEncoder(out)
	for _, v := range viewers {
		if err := enc.Encode(v.log); err != nil {
			return err
		}
	}
	return nil
}

func newViewer(i int, o order) *viewer {
	v := &viewer{ID: i, Buffer: 4 * time.Second, Pause: o.Pause, digests: o.Digests}
	// Not by the lowest bit: those who come in turn are given to caches in turn.
	if i&2 != 0 {
		v.Buffer = 10 * time.Second
	}
	if i&4 != 0 {
		v.Retries = o.Retries
	}
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	v.client = &http.Client{Transport: &http.Transport{
		DialContext: dialer.DialContext, MaxIdleConnsPerHost: 1, ReadBufferSize: readBlock, DisableCompression: true,
	}}
	v.log = &journal{ID: i, Short: v.Buffer < 5*time.Second, Retries: v.Retries}
	return v
}

// watch starts the audience on a host and returns what it saw.
func watch(ctx context.Context, h *lab.Host, o order, begun *atomic.Int64) ([]journal, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(o.Seconds+20)*time.Second)
	defer cancel()
	cmd := h.Command(ctx, self, "audience")
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	begun.Store(time.Now().UnixMilli())
	if err := json.NewEncoder(in).Encode(o); err != nil {
		return nil, err
	}
	_ = in.Close()
	var logs []journal
	for dec := json.NewDecoder(out); ; {
		var j journal
		if err := dec.Decode(&j); err == io.EOF {
			break
		} else if err != nil {
			return nil, fmt.Errorf("audience: %w", err)
		}
		logs = append(logs, j)
	}
	return logs, cmd.Wait()
}
