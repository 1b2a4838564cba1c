package obs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// logged runs something with a logger, in virtual time, and returns the lines.
func logged(t *testing.T, does func(l *testLogger)) []map[string]any {
	t.Helper()
	flags := log.Flags()
	defer func() { log.SetOutput(os.Stderr); log.SetFlags(flags) }()
	var out bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		l, err := Logger(&out, "edge-1", "info")
		if err != nil {
			t.Fatal(err)
		}
		does(&testLogger{
			warn:  func(text string) { l.Warn().Err(errors.New("refused")).Msg(text) },
			fails: func(text string) { l.Error().Msg(text) },
			info:  func(text string) { l.Info().Msg(text) },
		})
	})
	var lines []map[string]any
	for _, text := range strings.Split(strings.TrimSpace(out.String()), "\n") {
		var line map[string]any
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		if at, err := time.Parse(time.RFC3339Nano, fmt.Sprint(line["time"])); err != nil || at.Location() != time.UTC {
			t.Fatalf("time %v: %v", line["time"], err)
		}
		lines = append(lines, line)
	}
	return lines
}

type testLogger struct{ warn, info, fails func(text string) }

// An outage of 2,000 requests is ten lines and one that says how many more there
// were; of one that goes on there is a line every window, and of its end none.
func TestWhatIsSaidAgainAndAgainIsCounted(t *testing.T) {
	lines := logged(t, func(l *testLogger) {
		for range 2000 {
			l.warn("the origin fails")
		}
		l.info("something else")
		time.Sleep(repeatWindow + time.Second) // virtual
		for range 30 {
			l.warn("the origin fails")
		}
		time.Sleep(repeatWindow)
		time.Sleep(repeatWindow)
		l.warn("the origin fails") // afresh: it is written
	})
	var counted []string
	written := 0
	for _, line := range lines {
		if line["repeated"] != nil {
			counted = append(counted, fmt.Sprint(line["message"], " ", line["level"], " ", line["node"]))
			continue
		}
		written++
	}
	want := []string{"the origin fails (1,990 more times in 10s) warn edge-1", "the origin fails (30 more times in 10s) warn edge-1"}
	if fmt.Sprint(counted) != fmt.Sprint(want) || written != repeatFirst+2 {
		t.Errorf("%d written, counted %q", written, counted)
	}
}

// Errors and operators' orders are never only counted, and what has been counted when
// the process ends is told.
func TestWhatMattersIsWrittenAndCountsAreNotLost(t *testing.T) {
	lines := logged(t, func(l *testLogger) {
		for range 40 {
			l.fails("disk is full")
			l.info(AuditEvent)
			l.warn(ClusterEvent)
			l.info("took sessions over")
		}
		Flush()
		time.Sleep(3 * repeatWindow) // and not told again
	})
	texts := map[string]int{}
	for _, line := range lines {
		texts[fmt.Sprint(line["message"])]++
	}
	if texts["disk is full"] != 40 || texts[AuditEvent] != 40 || texts[ClusterEvent] != 40 || texts["took sessions over"] != repeatFirst || texts["took sessions over (30 more times in 10s)"] != 1 {
		t.Errorf("%v", texts)
	}
}

func known() int {
	r := flush.Load()
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.texts)
}

// Texts without end fill no memory.
func TestTextsWithoutEndAreBounded(t *testing.T) {
	lines := logged(t, func(l *testLogger) {
		for i := range 5 * repeatTexts {
			l.warn(fmt.Sprint("text ", i))
		}
		if n := known(); n > repeatTexts+1 {
			t.Errorf("%d texts are known", n)
		}
		time.Sleep(2 * repeatWindow)
		if n := known(); n > 1 {
			t.Errorf("%d texts are known long after", n)
		}
	})
	if last := fmt.Sprint(lines[len(lines)-1]["message"]); !strings.HasPrefix(last, otherTexts) {
		t.Errorf("the last line: %s", last)
	}
}
