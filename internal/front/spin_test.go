package front

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// cpu is what this process has used.
func cpu() time.Duration {
	var usage unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// rests checks that nothing is done for a while.
func rests(t *testing.T, when string) {
	t.Helper()
	runtime.GC()
	time.Sleep(30 * time.Millisecond) // what was begun is done
	var used time.Duration
	for range 3 { // others may have cost something once
		before := cpu()
		time.Sleep(300 * time.Millisecond)
		if used = cpu() - before; used < 30*time.Millisecond {
			return
		}
	}
	t.Errorf("%s: %v of 300 ms were used", when, used)
}

// Edge-triggered events are told once: a flag that is cleared too late keeps a
// loop turning for ever.
func TestServerThatHasNothingToDoDoesNothing(t *testing.T) {
	a := newAwaiting()
	s := newStage(t, func(_ *stage, c *Config) { c.Handler, c.lingerFor = a, time.Hour })
	rests(t, "nobody is there")
	idle, partial, blocked, file, waiting, half, more, refused := call(t, s.addr), call(t, s.addr), callSlow(t, s.addr), callSlow(t, s.addr), call(t, s.addr), call(t, s.addr), call(t, s.addr), call(t, s.addr)
	idle.say(ask("GET", "/mem/3"))
	idle.hearTarget("GET", "/mem/3")
	partial.say("GET / HTTP/1.1\r\n")
	rests(t, "one is idle, of another half a head has come")
	blocked.lastWords(ask("GET", "/mem/12000000") + ask("GET", "/mem/3"))
	file.lastWords(ask("GET", "/file/12000000") + ask("GET", "/mem/3"))
	rests(t, "two take nothing, and send no more")
	waiting.say(ask("GET", "/wait"))
	half.lastWords(ask("GET", "/wait"))
	more.say(ask("GET", "/wait") + strings.Repeat(ask("GET", "/mem/3"), 1000))
	refused.say("GET\r\n%s", strings.Repeat("x", 100_000))
	for range 3 {
		await(t, "a request", a.came)
	}
	rests(t, "some are away, with more behind them, and one lingers")
	for range 3 {
		a.let(t)
	}
	waiting.hearTarget("GET", "/wait")
	half.hearTarget("GET", "/wait")
	more.hearTarget("GET", "/wait")
	more.hearTarget("GET", "/mem/3")
	rests(t, "all was said")
}

// inChild tells the test below that it is the child; its value is how many
// descriptors it may open.
const inChild = "FRONT_DESCRIPTORS"

// serveInChild is a server that has few descriptors; it ends with its input.
func serveInChild(t *testing.T) {
	s := newStage(t)
	names, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	var more uint64
	_, _ = fmt.Sscan(os.Getenv(inChild), &more)
	limited(t, uint64(len(names))+more, func() {
		fmt.Printf("serving at %s\n", s.addr)
		_, _ = io.Copy(io.Discard, os.Stdin)
	})
}

func TestServerThatIsOutOfDescriptorsRecovers(t *testing.T) {
	plainOnly(t)
	if os.Getenv(inChild) != "" {
		serveInChild(t)
		return
	}
	const few, many = 10, 40
	child := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	child.Env = append(os.Environ(), fmt.Sprint(inChild, "=", few))
	child.Stderr = os.Stderr
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	addr := ""
	for addr == "" {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		_, addr, _ = strings.Cut(strings.TrimSpace(line), "serving at ")
	}
	var all []*caller
	for range many {
		c := call(t, addr)
		c.say(ask("GET", "/mem/3"))
		all = append(all, c)
	}
	all[0].hearTarget("GET", "/mem/3")
	before := cpuOf(t, child.Process.Pid)
	time.Sleep(10 * pauseFor)
	if used := cpuOf(t, child.Process.Pid) - before; used > 3*pauseFor {
		t.Errorf("it used %v in %v while it had no descriptors", used, 10*pauseFor)
	}
	_ = all[0].Close()
	for _, c := range all[1:] { // each makes room for the next
		c.hearTarget("GET", "/mem/3")
		_ = c.Close()
	}
	_ = in.Close()
	rest, _ := io.ReadAll(lines)
	if err := child.Wait(); err != nil {
		t.Errorf("the child: %v\n%s", err, rest)
	}
}

// cpuOf is what another process has used.
func cpuOf(t *testing.T, pid int) time.Duration {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	fields := strings.Fields(rest)
	var user, system time.Duration
	_, _ = fmt.Sscan(fields[11], &user)
	_, _ = fmt.Sscan(fields[12], &system)
	return (user + system) * 10 * time.Millisecond // of a clock that ticks 100 times a second
}
