package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// job is what the client process is told.
type job struct {
	Addr    string        `json:"addr"`
	Path    string        `json:"path"`
	Bytes   int64         `json:"bytes"` // length that every body must have
	Conns   int           `json:"conns"`
	Rate    int           `json:"rate"` // requests a second in all; 0: as fast as it goes
	Warm    time.Duration `json:"warm"`
	Length  time.Duration `json:"length"`
	Through string        `json:"through"` // host header
	TLS     bool          `json:"tls"`
}

// tally is what it answers. Mark lines go out when counting begins and ends.
type tally struct {
	Requests int64 `json:"requests"`
	Failed   int64 `json:"failed"`
}

// client is the program inside the namespace. It says "begin" when counting
// begins, then the tally: between the two the caller reads the CPU clocks.
func client(in io.Reader, out io.Writer) error {
	var j job
	if err := json.NewDecoder(in).Decode(&j); err != nil {
		return fmt.Errorf("client: job: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), j.Warm+j.Length+30*time.Second)
	defer cancel()
	var counting atomic.Bool
	var done, failed atomic.Int64
	var all sync.WaitGroup
	work, stop := context.WithCancel(ctx)
	for i := range j.Conns {
		all.Add(1)
		go func() {
			defer all.Done()
			for work.Err() == nil {
				if err := j.drive(work, i, func() {
					if counting.Load() {
						done.Add(1)
					}
				}); err != nil && work.Err() == nil {
					failed.Add(1)
					fmt.Fprintln(os.Stderr, "client:", err)
				}
			}
		}()
	}
	time.Sleep(j.Warm)
	counting.Store(true)
	fmt.Fprintln(out, "begin")
	time.Sleep(j.Length)
	counting.Store(false)
	err := json.NewEncoder(out).Encode(tally{Requests: done.Load(), Failed: failed.Load()})
	stop()
	all.Wait()
	return err
}

// drive runs one keep-alive connection until it fails or the job is over.
func (j job) drive(ctx context.Context, id int, answered func()) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", j.Addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	if j.TLS {
		conn = tls.Client(conn, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13})
	}
	request := []byte("GET " + j.Path + " HTTP/1.1\r\nHost: " + j.Through + "\r\nUser-Agent: cost\r\n\r\n")
	from := bufio.NewReaderSize(conn, 64<<10)
	pace := time.Duration(0)
	if j.Rate > 0 {
		pace = time.Duration(j.Conns) * time.Second / time.Duration(j.Rate)
	}
	next := time.Now().Add(pace * time.Duration(id) / time.Duration(j.Conns))
	for ctx.Err() == nil {
		if pace > 0 {
			time.Sleep(time.Until(next))
			next = next.Add(pace)
		}
		if _, err := conn.Write(request); err != nil {
			return err
		}
		if err := j.answer(from); err != nil {
			return err
		}
		answered()
	}
	return nil
}

// answer reads one response and holds its length against what it must be.
func (j job) answer(from *bufio.Reader) error {
	head := textproto.NewReader(from)
	status, err := head.ReadLine()
	if err != nil {
		return err
	}
	if !strings.HasPrefix(status, "HTTP/1.1 200") {
		return errors.New(status)
	}
	length := int64(-1)
	for {
		line, err := head.ReadLine()
		if err != nil {
			return err
		}
		if line == "" {
			break
		}
		if name, value, _ := strings.Cut(line, ":"); strings.EqualFold(name, "Content-Length") {
			if length, err = strconv.ParseInt(strings.TrimSpace(value), 10, 64); err != nil {
				return err
			}
		}
	}
	if length != j.Bytes {
		return fmt.Errorf("length %d instead of %d", length, j.Bytes)
	}
	_, err = io.CopyN(io.Discard, from, length)
	return err
}
