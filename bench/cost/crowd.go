package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// crowd is what a process of many clients is told, each with an address of its own.
type crowd struct {
	Addr    string        `json:"addr"`
	TLS     bool          `json:"tls"`
	Network int           `json:"network"` // client i is 127.0.NETWORK.i+1
	Clients int           `json:"clients"`
	Conns   int           `json:"conns"`   // of each
	Streams bool          `json:"streams"` // over HTTP/2
	Kind    string        `json:"kind"`    // view, or what strangers do
	Path    string        `json:"path"`
	Open    string        `json:"open"`  // is asked first, for the session's prefix
	Every   time.Duration `json:"every"` // view: between two requests of a client
	Length  time.Duration `json:"length"`
}

// seen is what it answers. Times of view are from a request's write to its last byte, of slow
// clients from the beginning of their connection to its end.
type seen struct {
	Answered int64         `json:"answered"`
	Failed   int64         `json:"failed"`
	Timed    int64         `json:"timed"`
	P50      time.Duration `json:"p50"`
	P99      time.Duration `json:"p99"`
	Most     time.Duration `json:"most"`
	Lag99    time.Duration `json:"lag99"` // how late the client itself was with its requests
}

// at once are how many requests of a stranger's connection are on their way.
const atOnce = 16

type crowdState struct {
	crowd
	answered, failed atomic.Int64

	mu          sync.Mutex
	times, lags []time.Duration // guarded by mu
}

// runCrowd is the program of one process of clients. It says "begin" when all have connected.
func runCrowd(in io.Reader, out io.Writer) error {
	c := &crowdState{}
	if err := json.NewDecoder(in).Decode(&c.crowd); err != nil {
		return fmt.Errorf("crowd: %w", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var all, ready sync.WaitGroup
	ready.Add(c.Clients)
	for i := range c.Clients {
		all.Go(func() {
			prefix, err := c.session(ctx, i)
			if ready.Done(); err != nil {
				c.fault(ctx, err)
				return
			}
			for n := range c.Conns {
				if c.isSlow() {
					all.Go(func() { c.slow(ctx, i, prefix) })
					continue
				}
				all.Go(func() { c.work(ctx, i, n, prefix) })
			}
		})
	}
	ready.Wait()
	fmt.Fprintln(out, "begin")
	time.Sleep(c.Length)
	result := c.result()
	stop()
	err := json.NewEncoder(out).Encode(result)
	all.Wait()
	return err
}

// isSlow tells that its clients come once, and are ended by the server.
func (c *crowdState) isSlow() bool { return slices.Contains(slowKinds, c.Kind) }

func (c *crowdState) result() seen {
	c.mu.Lock()
	defer c.mu.Unlock()
	slices.Sort(c.times)
	slices.Sort(c.lags)
	at := func(all []time.Duration, permille int) time.Duration {
		if len(all) == 0 {
			return 0
		}
		return all[min(len(all)*permille/1000, len(all)-1)]
	}
	return seen{c.answered.Load(), c.failed.Load(), int64(len(c.times)), at(c.times, 500), at(c.times, 990), at(c.times, 1000), at(c.lags, 990)}
}

func (c *crowdState) fault(ctx context.Context, err error) {
	if ctx.Err() == nil && c.failed.Add(1) <= 3 && c.Kind == "view" {
		fmt.Fprintln(os.Stderr, "\ncrowd:", err)
	}
}

// dial connects as a client; streams: it is to speak HTTP/2.
func (c *crowdState) dial(ctx context.Context, client int, streams bool) (net.Conn, error) {
	d := net.Dialer{LocalAddr: c.address(client)}
	conn, err := d.DialContext(ctx, "tcp", c.Addr)
	if err != nil || !c.TLS {
		return conn, err
	}
	return c.secure(ctx, conn, streams)
}

func (c *crowdState) address(client int) net.Addr {
	return &net.TCPAddr{IP: net.IPv4(127, 0, byte(c.Network), byte(client+1))}
}

func (c *crowdState) secure(ctx context.Context, conn net.Conn, streams bool) (net.Conn, error) {
	cfg := &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13}
	if streams {
		cfg.NextProtos = []string{"h2"}
	}
	over := tls.Client(conn, cfg)
	err := over.HandshakeContext(ctx)
	if err == nil && streams && over.ConnectionState().NegotiatedProtocol != "h2" {
		err = errors.New("the server speaks no HTTP/2")
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return over, nil
}

func (c *crowdState) request(path string) []byte {
	return []byte("GET " + path + " HTTP/1.1\r\nHost: " + c.Addr + "\r\nUser-Agent: crowd\r\n\r\n")
}

// session asks the entry; its answer's Location says what comes before paths. None: a peer.
func (c *crowdState) session(ctx context.Context, client int) (prefix string, err error) {
	conn, err := c.dial(ctx, client, false)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if _, err := conn.Write(c.request(c.Open)); err != nil {
		return "", err
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return "", err
	}
	to := answer.Header.Get("Location")
	if answer.StatusCode != http.StatusOK && len(to) <= len(c.Open) {
		return "", errors.New(answer.Status)
	}
	return to[:max(len(to)-len(c.Open), 0)], nil
}

// work is one connection's after the other, until the end.
func (c *crowdState) work(ctx context.Context, client, number int, prefix string) {
	for ctx.Err() == nil {
		conn, err := c.dial(ctx, client, c.Streams)
		if err == nil && c.Kind != "shake" {
			closes := context.AfterFunc(ctx, func() { _ = conn.Close() })
			switch {
			case c.Kind == "view":
				err = c.view(ctx, conn, client, prefix+c.Path)
			case c.Streams:
				err = c.hammerStreams(ctx, conn, prefix+c.Path)
			default:
				err = c.hammer(ctx, conn, prefix)
			}
			closes()
		}
		if err != nil {
			c.fault(ctx, err)
			time.Sleep(time.Duration(50+number) * time.Millisecond)
		} else {
			c.answered.Add(1)
		}
		if conn != nil {
			_ = conn.Close()
		}
	}
}

// view asks for one object each time that it is due.
func (c *crowdState) view(ctx context.Context, conn net.Conn, client int, path string) error {
	from, request := bufio.NewReaderSize(conn, 64<<10), c.request(path)
	ask := func() error {
		if _, err := conn.Write(request); err != nil {
			return err
		}
		return skip(from)
	}
	if c.Streams {
		of, err := newStreamClient(conn, c.Addr)
		if err != nil {
			return err
		}
		ask = func() error {
			if err := of.ask(path); err != nil {
				return err
			}
			return of.answered()
		}
	}
	next := time.Now().Add(c.Every * time.Duration(client) / time.Duration(c.Clients))
	for ctx.Err() == nil {
		time.Sleep(time.Until(next))
		began := time.Now()
		if err := ask(); err != nil {
			return err
		}
		took := time.Since(began)
		c.answered.Add(1)
		c.mu.Lock()
		c.times, c.lags = append(c.times, took), append(c.lags, began.Sub(next))
		c.mu.Unlock()
		next = next.Add(c.Every)
		if now := time.Now(); next.Before(now) {
			next = now
		}
	}
	return nil
}

// hammer keeps requests on their way, as many as it may.
func (c *crowdState) hammer(ctx context.Context, conn net.Conn, prefix string) error {
	from, one := bufio.NewReaderSize(conn, 16<<10), c.request(prefix+c.Path)
	count := atOnce
	if c.Kind == "bodies" || c.Kind == "open" {
		count = 1
	}
	for ctx.Err() == nil {
		request := one
		switch c.Kind {
		case "open":
			request = c.request(c.Open)
		case "miss":
			request = c.request(fmt.Sprintf("%s/bench/none-%x.ts", prefix, rand.Uint64()))
		}
		if _, err := conn.Write(bytes.Repeat(request, count)); err != nil {
			return err
		}
		for range count {
			if err := skip(from); err != nil {
				return err
			}
			c.answered.Add(1)
		}
	}
	return nil
}

// skip reads one answer whole.
func skip(from *bufio.Reader) error {
	answer, err := http.ReadResponse(from, nil)
	if err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return err
	}
	if answer.StatusCode >= 500 || answer.Close {
		return errors.New(answer.Status)
	}
	return nil
}
