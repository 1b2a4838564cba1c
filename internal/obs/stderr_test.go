package obs

import (
	"bufio"
	"encoding/json"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Whoever reads the log and takes nothing is waited for once; when he reads again he is
// told how many lines he did not get, and every line is whole. Who is gone costs lines.
func TestALogThatNobodyReads(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	logger, err := Logger(w, "edge-1", "info")
	if err != nil {
		t.Fatal(err)
	}
	const all = 1000
	for i := range all { // of three times what a pipe holds
		logger.Error().Int("n", i).Str("text", "the disk is full, and whoever collects the log stands still for it").Msg("origin failed")
	}
	type line struct {
		N, Dropped int
		Message    string
	}
	read := make(chan line, all+3)
	go func() {
		defer close(read)
		for s := bufio.NewScanner(r); s.Scan(); {
			var l line
			if err := json.Unmarshal(s.Bytes(), &l); err != nil {
				t.Errorf("%v: %s", err, s.Text())
			}
			read <- l
		}
	}()
	taken := 0
	for end := time.After(time.Minute); ; {
		logger.Error().Msg("after")
		l := <-read
		if l.Message == "lines of this log are lost" {
			if l.Dropped < all-taken {
				t.Errorf("%d lines are told, %d of %d were taken", l.Dropped, taken, all)
			}
			break
		}
		taken++
		select {
		case <-end:
			t.Fatal("nobody is told of what is lost")
		default:
		}
	}
	w.Close() // the log's file, which is no more
	logger.Error().Msg("to nobody")
	for range read {
	}
}

// A log in a file on a disk that is full and has room again has one line that is torn, and
// the next one begins a line.
func TestALogOnAFullDiskTearsOneLine(t *testing.T) {
	file, err := os.CreateTemp(t.TempDir(), "log")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	logger, err := Logger(file, "edge-1", "info")
	if err != nil {
		t.Fatal(err)
	}
	signal.Ignore(syscall.SIGXFSZ)
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		t.Fatal(err)
	}
	limit := func(cur uint64) {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: cur, Max: was.Max}); err != nil {
			t.Fatal(err)
		}
	}
	limit(150)
	for range 3 {
		logger.Error().Msg("origin failed")
	}
	limit(was.Cur)
	logger.Error().Msg("after")
	text, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	var broken, lost, after int
	for line := range strings.Lines(string(text)) {
		var l struct {
			Dropped int
			Message string
		}
		switch err := json.Unmarshal([]byte(line), &l); {
		case err != nil:
			broken++
		case l.Dropped == 2:
			lost++
		case l.Message == "after":
			after++
		}
	}
	if broken != 1 || lost != 1 || after != 1 {
		t.Errorf("%d lines are broken, %d tell of two, %d came after\n%s", broken, lost, after, text)
	}
}
