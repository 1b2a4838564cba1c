package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"

	"tandem/internal/setting"
)

// stdout is the standard output of a command. It remembers what it could not take: a ticket
// that went into a file on a full disk is gone, and so is what a script reads of a status.
type stdout struct {
	file *os.File

	mu  sync.Mutex
	err error // guarded by mu; the first
}

// Write writes to the file.
func (s *stdout) Write(p []byte) (int, error) {
	n, err := s.file.Write(p)
	if err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.err == nil {
			s.err = err
		}
	}
	return n, err
}

// say writes a paragraph, as wide as a terminal.
func say(out io.Writer, format string, a ...any) error {
	_, err := fmt.Fprintln(out, setting.Wrap(fmt.Sprintf(format, a...), 0))
	return err
}

// lost is an error where not all was taken. Who reads a pipe may go when he has read enough.
func (s *stdout) lost() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errno syscall.Errno
	if !errors.As(s.err, &errno) || errno == syscall.EPIPE {
		return nil
	}
	return fmt.Errorf("the standard output has not taken all: %w", errno)
}
