package accesslog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	"tandem/internal/outlet"
)

const (
	flushEvery = time.Second
	flushAt    = 64 << 10    // bytes that are gathered before they are written
	mostHeld   = 4 << 20     // bytes; what comes while a disk does not take it is dropped beyond
	flushLimit = time.Second // how long whoever reads a pipe may take for one flush
)

// sink gathers whole lines and writes them to a file, many at a time: a process that
// replaces this one, and still runs beside it, may append to the same one.
type sink struct {
	path  string
	limit time.Duration // flushLimit
	wake  chan struct{}

	mu      sync.Mutex
	file    *os.File // guarded by mu
	held    []byte   // whole lines; guarded by mu
	dropped int64    // guarded by mu
	torn    bool     // guarded by mu: the file ends in the middle of a line
}

func openSink(path string) (*sink, error) {
	s := &sink{path: path, limit: flushLimit, wake: make(chan struct{}, 1)}
	if err := s.reopen(); err != nil {
		return nil, fmt.Errorf("--access-log: %w", err)
	}
	return s, nil
}

// reopen opens the file anew, as after it was moved away; when that fails the old one
// stays.
func (s *sink) reopen() error {
	file := os.Stdout
	if s.path != "-" {
		var err error
		file, err = os.OpenFile(s.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY|syscall.O_NONBLOCK, 0o600)
		if errors.Is(err, syscall.ENXIO) { // a named pipe that nobody reads yet: what it holds waits there
			file, err = os.OpenFile(s.path, os.O_RDWR|syscall.O_NONBLOCK, 0)
		}
		if err != nil {
			return err
		}
	}
	_, _, err := s.flush() // what belongs to the old one
	s.mu.Lock()
	old := s.file
	s.file, s.torn = file, false
	s.mu.Unlock()
	if old != nil && old != os.Stdout {
		_ = old.Close() // all was written to it, or could not be
	}
	return err
}

// add takes a line.
func (s *sink) add(line []byte) {
	s.mu.Lock()
	if len(s.held)+len(line) > mostHeld {
		s.dropped++
		s.mu.Unlock()
		return
	}
	s.held = append(s.held, line...)
	much := len(s.held) >= flushAt
	s.mu.Unlock()
	if much {
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
}

// flush writes what is held, and tells how many lines were dropped since the last
// time. What whoever reads a pipe does not take yet is held on; a disk that is full takes
// the beginning, and what comes when it has room again begins a line of its own. Only one
// flush at a time is under way: that of Run, or of reopen.
func (s *sink) flush() (written int, dropped int64, err error) {
	s.mu.Lock()
	held, file := s.held, s.file
	dropped, s.held, s.dropped = s.dropped, nil, 0
	if s.torn && len(held) > 0 {
		held = append([]byte{'\n'}, held...)
	}
	s.mu.Unlock()
	if len(held) == 0 || file == nil {
		return 0, dropped, nil
	}
	written, err = outlet.Write(file, held, s.limit)
	s.mu.Lock()
	defer s.mu.Unlock()
	if written > 0 {
		s.torn = held[written-1] != '\n'
	}
	if errors.Is(err, outlet.ErrStuck) {
		s.held, s.torn = append(held[written:], s.held...), false
		return written, dropped, nil
	}
	return written, dropped + int64(bytes.Count(held[written:], []byte{'\n'})), err
}

// run writes what is gathered until ctx ends, and the rest then.
func (s *sink) run(ctx context.Context, reopen <-chan struct{}, tell func(dropped int64, err error)) {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			_, dropped, err := s.flush()
			s.mu.Lock()
			dropped += int64(bytes.Count(s.held, []byte{'\n'})) // who reads a pipe takes nothing
			s.mu.Unlock()
			if err != nil || dropped > 0 {
				tell(dropped, err)
			}
			return
		case <-reopen:
			err = s.reopen()
		case <-tick.C:
		case <-s.wake:
		}
		if err == nil {
			var dropped int64
			if _, dropped, err = s.flush(); err == nil && dropped == 0 {
				continue
			}
			tell(dropped, err)
			continue
		}
		tell(0, err)
	}
}
