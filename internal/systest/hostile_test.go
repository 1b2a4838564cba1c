package systest

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tandem/internal/cluster"
	"tandem/internal/player"
	"tandem/internal/wire"
)

const (
	hostileClients = 5000
	hostileObject  = 512 << 10
	// hostileAsks is how often each asks at once: together more than a socket takes
	// in for a client, so that the balancer has to wait for it in the middle.
	hostileAsks = 8
	hostileMSS  = 1400
)

// Five thousand clients that mean ill: half never finish the head of a request,
// byte by byte, half ask for an object and take nothing. Ordinary viewers of the
// same balancer, who never try again, see nothing of them; they are cut off, and
// the balancer has afterwards what it had before.
func TestFiveThousandHostileClients(t *testing.T) {
	files(t, 3*hostileClients)
	// Without certificates: with them it is thousands of handshakes between balancer and
	// edges at once that keep two cores busy.
	h := start(t, "--insecure", "--lb-flags", "--max-connections=6000", "--lb-flags", "--max-connections-per-client=6000")
	object := filepath.Join(h.Dir, "ingest", "big", "object.m4s")
	must(t, os.MkdirAll(filepath.Dir(object), 0o755))
	bytes := make([]byte, hostileObject)
	_, _ = rand.Read(bytes) // never fails
	must(t, os.WriteFile(object, bytes, 0o644))

	a := seat(t, h)
	a.watch(20, stored, player.Config{For: 10 * time.Minute, Speed: 2, Buffer: 10 * time.Second, Retries: 0})
	h.Await("everybody is in", 20*time.Second, sessions(20))
	lb, err := h.Node("lb-1")
	must(t, err)
	before, connections := descriptors(t, lb), metric(t, lb.Admin, "tandem_lb_connections", "")

	x := &hostiles{t: t, address: hostOf(t, lb.HTTP)}
	t.Cleanup(x.leave)
	x.come(hostileClients)
	began := time.Now()
	most, peak, slow := 0, 0.0, 0.0
	h.Await("all of them are cut off", 30*time.Second, func(*wire.Status) bool {
		x.drip()
		most, peak = max(most, descriptors(t, lb)), max(peak, metric(t, lb.Admin, "tandem_lb_connections", ""))
		slow = metric(t, lb.Admin, "tandem_lb_slow_clients_total", "") + metric(t, lb.Admin, "tandem_lb_relieved_total", "") // where the machine is small
		return x.cutOff() == len(x.heads) && int(slow) >= len(x.takers)
	})
	t.Logf("all cut off after %s; %.0f for taking nothing; %.0f connections and %d descriptors at most, %.0f and %d before", time.Since(began).Round(time.Millisecond), slow, peak, most, connections, before)
	if peak < hostileClients*9/10 {
		t.Errorf("there were never more than %.0f connections; %d were to be there together", peak, hostileClients)
	}
	h.Await("the balancer has given everything back", 15*time.Second, func(*wire.Status) bool {
		return descriptors(t, lb) <= before+200 && metric(t, lb.Admin, "tandem_lb_connections", "") <= connections+50
	})
	nothingSeen(t, a.report(false), 20, 200)
}

// hostiles are clients that mean ill.
type hostiles struct {
	t       *testing.T
	address string
	heads   []net.Conn // send a head that never ends
	takers  []net.Conn // ask and take nothing
	ended   map[net.Conn]bool
	dripped time.Time
}

// come connects so many, a hundred every 50 ms: all of them are there before the
// first one's time is up, and their coming is no load that slows by itself.
func (x *hostiles) come(count int) {
	x.t.Helper()
	x.ended = map[net.Conn]bool{}
	var wg sync.WaitGroup
	conns, errs := make([]net.Conn, count), make([]error, count)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for first := 0; first < count; first += 100 {
		<-tick.C
		wg.Go(func() {
			for i := first; i < min(first+100, count); i++ {
				conns[i], errs[i] = hostile(x.address, i%2 == 1)
			}
		})
	}
	wg.Wait()
	for i, conn := range conns {
		switch {
		case errs[i] != nil:
			x.t.Fatalf("client %d: %v", i, errs[i])
		case i%2 == 1:
			x.takers = append(x.takers, conn)
		default:
			x.heads = append(x.heads, conn)
		}
	}
}

// hostile is one client that takes nothing, or one that begins a head.
func hostile(address string, taker bool) (net.Conn, error) {
	conn, err := dialFar(address)
	if err != nil {
		return nil, err
	}
	text := "GET /sample/v0/seg1.m4s HTTP/1.1\r\nHost: x\r\nX-Slow: "
	if taker {
		text = strings.Repeat("GET /big/object.m4s HTTP/1.1\r\nHost: x\r\n\r\n", hostileAsks)
	}
	_, err = io.WriteString(conn, text)
	return conn, err
}

// drip sends one byte more of every head that was not cut off yet, twice a second.
func (x *hostiles) drip() {
	if time.Since(x.dripped) < 500*time.Millisecond {
		return
	}
	x.dripped = time.Now()
	for _, conn := range x.heads {
		if !x.ended[conn] {
			_, err := io.WriteString(conn, "a")
			x.ended[conn] = err != nil
		}
	}
}

// cutOff counts the heads that were.
func (x *hostiles) cutOff() (n int) {
	for _, conn := range x.heads {
		if x.ended[conn] {
			n++
		}
	}
	return n
}

func (x *hostiles) leave() {
	for _, conn := range append(x.heads, x.takers...) {
		_ = conn.Close()
	}
}

// dialFar connects as somebody far away does who takes nothing: packets of the
// wide network's size, for which the kernel keeps far less than for loopback's,
// and hardly any room to receive.
func dialFar(address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	d := net.Dialer{Control: func(_, _ string, raw syscall.RawConn) error {
		var set error
		err := raw.Control(func(fd uintptr) {
			set = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4096)
			if set == nil {
				set = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_MAXSEG, hostileMSS)
			}
		})
		if err != nil {
			return err
		}
		return set
	}}
	return d.DialContext(ctx, "tcp", address)
}

// files lets this process, and what it starts, have so many descriptors.
func files(t *testing.T, need uint64) {
	t.Helper()
	var limit syscall.Rlimit
	must(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit))
	if limit.Max < need {
		t.Skipf("at most %d descriptors a process; %d are needed (ulimit -Hn)", limit.Max, need)
	}
	was := limit
	limit.Cur = limit.Max
	must(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit))
	t.Cleanup(func() { _ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &was) })
}

// descriptors counts what a process has open.
func descriptors(t *testing.T, n cluster.Node) int {
	t.Helper()
	all, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", n.PID))
	must(t, err)
	return len(all)
}

func hostOf(t *testing.T, base string) string {
	t.Helper()
	u, err := url.Parse(base)
	must(t, err)
	return u.Host
}
