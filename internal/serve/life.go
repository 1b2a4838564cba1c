package serve

import (
	"context"
	"errors"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"tandem/internal/run"
)

// Limits of stopping.
const (
	stopLimit    = 10 * time.Second // for a role to hand over what it has, before its listeners close
	failureDrain = 2 * time.Second  // for what is in flight when a part of the process has failed
)

// Hooks are what a role does on behalf of its process. Each may be nil.
type Hooks struct {
	Stop    func(ctx context.Context)       // hands over what the role has, while it still serves
	Drain   func()                          // lets go whoever is only kept waiting; the listeners are closed
	Release func(ctx context.Context) error // closes what a successor has to open; the role goes on serving
	Reload  func() (Reloaded, error)        // takes over what may change while the process runs, all or nothing
	Reopen  func()                          // opens log files anew
	Alive   func(ctx context.Context) error // whether the role still turns; asked for systemd's watchdog
}

// Reloaded is what a reload did, by the names of the settings that had changed.
type Reloaded struct {
	Applied      []string `json:"applied"`
	NeedsRestart []string `json:"needs_restart"`
}

// Life is one process of a role, from its first socket to its end.
type Life struct {
	Sockets *Sockets

	cfg         Config
	log         zerolog.Logger
	role        string
	dir         string // of the handover socket; empty: sockets are not handed over
	notify      notifier
	hooks       Hooks
	listeners   []Listener
	predecessor *predecessor // nil: this process replaces none
	successor   *successors  // nil without dir, and before Run
	program     string       // what a successor is started from

	signals    chan os.Signal
	replacedBy atomic.Int32           // process id of who has replaced this one; 0: nobody
	leaving    atomic.Pointer[string] // why /readyz says no; nil: it may say yes
	now        context.Context        // ended by a second signal: nothing is waited for
	hurry      context.CancelFunc

	reloads  sync.Mutex
	mu       sync.Mutex
	deadline time.Time // guarded by mu, as cfg; until when what is in flight may take, zero: nobody has said
}

// echoLimit is how soon after a signal to end another one is the same: timeout(1), and what
// stops a process group, sends it to the process and to the group.
const echoLimit = 100 * time.Millisecond

// Begin gives a process its sockets: from systemd, from the process that it
// replaces, or none yet. dir is where the two processes meet; empty for a role
// that can't be replaced.
func Begin(cfg Config, role, dir string, log zerolog.Logger) (*Life, error) {
	l := &Life{cfg: cfg, log: log, role: role, dir: dir, notify: newNotifier(os.Getenv), signals: make(chan os.Signal, 8)}
	l.Sockets = &Sockets{open: map[string]*os.File{}}
	l.now, l.hurry = context.WithCancel(context.Background())
	signal.Ignore(syscall.SIGPIPE, syscall.SIGXFSZ) // whoever reads the log may be gone, a file as large as it may be (ulimit -f): Go ends a process for that
	signal.Notify(l.signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2)
	var err error
	if l.program, err = os.Executable(); err != nil {
		return nil, err
	}
	if l.Sockets.passed, err = activated(os.Getenv, func(name string) { _ = os.Unsetenv(name) }); err != nil {
		return nil, err
	}
	l.Sockets.from = "systemd"
	if !cfg.Replace {
		return l, nil
	}
	if l.predecessor, err = meet(dir); errors.Is(err, errGone) {
		l.predecessor = nil
		l.alone()
		return l, nil
	} else if err != nil {
		l.Sockets.Close()
		return nil, err
	}
	l.Sockets.from = "the process that is replaced"
	l.Sockets.passed = append(l.Sockets.passed, l.predecessor.sockets...)
	return l, nil
}

// Claim makes the process that is replaced let go of its data directory. It is
// called when nothing that can be checked before is wrong.
func (l *Life) Claim() error {
	if l.predecessor == nil {
		return nil
	}
	err := l.predecessor.release()
	if errors.Is(err, errGone) {
		l.alone()
		return nil
	}
	return err
}

// alone: the process that was to be replaced died in the middle of that. What it has not
// given is free.
func (l *Life) alone() {
	l.log.Warn().Msg("the process that was to be replaced has died: starting in its place")
}

// Part serves a listener as a part of the process.
func (l *Life) Part(x Listener) run.Part {
	l.listeners = append(l.listeners, x)
	return x.part(l.drainTime)
}

// drainTime is for how long what is in flight may take.
func (l *Life) drainTime() (context.Context, context.CancelFunc) {
	l.mu.Lock()
	defer l.mu.Unlock()
	until := l.deadline
	if until.IsZero() { // no order to stop: a part has failed
		until = time.Now().Add(failureDrain)
	}
	return context.WithDeadline(l.now, until)
}

// Health stands before a role's handler for operators: /readyz says no while the
// process is leaving.
func (l *Life) Health(next http.Handler) http.Handler { return l.HealthAt("/readyz", next) }

// HealthAt is Health for another path.
func (l *Life) HealthAt(path string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if why := l.leaving.Load(); why != nil && r.URL.Path == path {
			http.Error(w, *why, http.StatusServiceUnavailable)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Run runs the parts until ctx ends, a signal says so, or one of them fails. In the first
// process of a container it goes on for as long as whoever has replaced this one.
func (l *Life) Run(ctx context.Context, hooks Hooks, parts ...run.Part) error {
	defer signal.Stop(l.signals)
	err := l.run(ctx, hooks, parts)
	if l.replacedBy.Load() == 0 || !isFirst() {
		return err
	}
	if err != nil {
		l.log.Error().Err(err).Msg("what was in flight has not ended in order")
	}
	return l.stand()
}

func (l *Life) run(ctx context.Context, hooks Hooks, parts []run.Part) error {
	l.hooks = hooks
	defer l.Sockets.Close()
	defer l.hurry()
	l.Sockets.Rest(l.log)
	group, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- run.Group(group, parts...) }()
	if err := l.announce(stop); err != nil {
		stop()
		return errors.Join(err, <-ended)
	}
	defer l.successor.close()
	return l.watch(ctx, ended, stop)
}

// watch does what signals say until the parts have ended.
func (l *Life) watch(ctx context.Context, ended <-chan error, stop func()) error {
	watchdog := l.watchdog()
	defer watchdog.Stop()
	stopping, since := false, time.Time{}
	leave := func() {
		if stopping && time.Since(since) < echoLimit {
			return
		}
		if stopping {
			l.log.Warn().Msg("a second signal: what is in flight is not waited for")
			l.hurry()
			return
		}
		stopping, since = true, time.Now()
		go l.leave(stop)
	}
	done := ctx.Done()
	for {
		select {
		case err := <-ended:
			return err
		case <-done:
			done = nil
			if !stopping {
				leave()
			}
		case <-watchdog.C:
			go l.pet()
		case s := <-l.signals:
			if l.replacedBy.Load() != 0 && isFirst() {
				l.passOn(s)
				continue
			}
			switch s {
			case syscall.SIGHUP:
				go func() { _, _ = l.Reload() }()
			case syscall.SIGUSR1:
				if l.hooks.Reopen != nil {
					l.hooks.Reopen()
				}
			case syscall.SIGUSR2:
				if stopping { // who was told to end leaves nobody behind
					l.log.Warn().Msg("SIGUSR2 is not obeyed: this process is stopping")
					continue
				}
				l.replace()
			default:
				leave()
			}
		}
	}
}

// replace starts the program anew beside this process, to take over from it.
func (l *Life) replace() {
	if l.successor == nil {
		l.log.Warn().Str("role", l.role).Msg("SIGUSR2 replaces balancers; this process goes on: restart it for a new version")
		return
	}
	l.successor.spawn(l.program)
}

// leave is the first half of stopping, while everything still serves: whoever
// sends viewers here is told to turn away, and the role hands over what it has.
func (l *Life) leave(stop func()) {
	defer stop()
	why := "stopping: this process takes no new viewers"
	l.leaving.Store(&why)
	l.notify.tell("STOPPING=1", "STATUS="+why)
	lameDuck, drain := l.times()
	l.log.Info().Dur("lame_duck", lameDuck).Dur("drain", drain).Msg("stopping: not ready any more, still open")
	for _, x := range l.listeners {
		x.Server.LameDuck()
	}
	until := time.After(lameDuck)
	if l.hooks.Stop != nil {
		ctx, cancel := context.WithTimeout(l.now, stopLimit)
		l.hooks.Stop(ctx)
		cancel()
	}
	select {
	case <-until:
	case <-l.now.Done():
	}
	l.drain()
	l.Sockets.Close() // the last hold on them: from here on nobody gets in
}

// LameDuck makes the answers of these listeners the last ones of their connections, while the
// process goes on.
func (l *Life) LameDuck(names ...string) {
	for _, x := range l.listeners {
		if slices.Contains(names, x.Name) {
			x.Server.LameDuck()
		}
	}
}

// drain closes the listeners of viewers all at once, and begins the time that
// what is in flight has.
func (l *Life) drain() {
	l.mu.Lock()
	l.deadline = time.Now().Add(l.cfg.Drain)
	l.mu.Unlock()
	for _, x := range l.listeners {
		if !x.Abrupt {
			x.Server.StopAccepting()
		}
	}
	if l.hooks.Drain != nil {
		l.hooks.Drain()
	}
}

// Reload takes over what may change while the process runs.
func (l *Life) Reload() (Reloaded, error) {
	if l.hooks.Reload == nil {
		return Reloaded{}, errors.New("this process has nothing that can be read anew")
	}
	l.reloads.Lock()
	defer l.reloads.Unlock()
	l.notify.tell(reloading()...)
	defer l.notify.tell("READY=1")
	did, err := l.hooks.Reload()
	if err != nil {
		l.log.Error().Err(err).Msg("the new configuration is refused; nothing has changed")
		return did, err
	}
	l.log.Info().Strs("applied", did.Applied).Strs("needs_restart", did.NeedsRestart).Msg("configuration read anew")
	return did, nil
}

// SetTimes changes how long stopping takes.
func (l *Life) SetTimes(cfg Config) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cfg.LameDuck, l.cfg.Drain = cfg.LameDuck, cfg.Drain
}

// Respawn starts this process's program anew in its place, as SIGUSR2 does, with
// further variables in its environment.
func (l *Life) Respawn(variables ...string) error {
	if l.successor == nil {
		return errors.New("this process can't be replaced")
	}
	l.successor.spawn(l.program, variables...)
	return nil
}

func (l *Life) times() (lameDuck, drain time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cfg.LameDuck, l.cfg.Drain
}

// watchdog ticks twice as often as systemd wants to hear of us, or never.
func (l *Life) watchdog() *time.Ticker {
	if l.notify.watchdog == 0 {
		t := time.NewTicker(time.Hour)
		t.Stop()
		return t
	}
	return time.NewTicker(l.notify.watchdog / 2)
}

// pet tells systemd that the process still turns, if it does.
func (l *Life) pet() {
	if l.hooks.Alive != nil {
		ctx, cancel := context.WithTimeout(l.now, l.notify.watchdog/2)
		defer cancel()
		if err := l.hooks.Alive(ctx); err != nil {
			l.log.Error().Err(err).Msg("the watchdog is not told that this process is alive")
			return
		}
	}
	l.notify.tell("WATCHDOG=1")
}

// announce tells everybody who waits that this process serves, and waits for the
// next one itself.
func (l *Life) announce(stop func()) error {
	if err := l.listenForSuccessor(stop); err != nil {
		return err
	}
	if l.predecessor != nil {
		l.predecessor.ready()
	}
	l.notify.tell("READY=1")
	return nil
}
