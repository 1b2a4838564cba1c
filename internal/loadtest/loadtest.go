package loadtest

import (
	"context"
	"net/url"
	"os"
	"sync"
	"time"

	"tandem/internal/cluster"
	"tandem/internal/player"
	"tandem/internal/setting"
)

// Test is one run that is ready to begin.
type Test struct {
	cfg    Config
	file   cluster.File
	load   *load
	faults *faults // nil: no edge is failed
}

// Result is what all viewers saw, and what was done to the edges.
type Result struct {
	player.Report
	Policy string    `json:"policy"`
	Faults []Failure `json:"faults,omitempty"`
	// Compared tells whether every byte was compared with the origin's.
	Compared bool `json:"-"`
}

// New reads the cluster file, if there is one, and says what can't be. Errors
// are a setting.UsageError where the settings are wrong.
func New(cfg Config) (*Test, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	attached, err := attach(&cfg)
	if err != nil {
		return nil, err
	}
	t := &Test{load: &load{reports: make([]player.Report, cfg.Viewers)}}
	if attached != nil {
		t.file = attached.File()
	}
	if err := cfg.complete(&t.file); err != nil {
		return nil, err
	}
	if t.cfg = cfg; cfg.Fault != "" {
		t.faults = &faults{kind: cfg.Fault, down: cfg.Down, cluster: attached}
	}
	return t, nil
}

// attach reads the cluster file; nil when nobody named one and none is here.
func attach(cfg *Config) (*cluster.Cluster, error) {
	path, asked := cfg.Cluster, cfg.Cluster != ""
	if path == "" {
		path = os.Getenv("TANDEM_CLUSTER")
		asked = path != ""
	}
	if path == "" {
		path = "cluster.json"
	}
	c, err := cluster.Attach(path)
	switch {
	case err == nil:
		return c, nil
	case asked:
		return nil, err
	case cfg.Fault != "" || cfg.Policy == PolicyRoundRobin:
		return nil, setting.Usage("--kill, --fault and --policy need to know the processes: give --cluster DIR/cluster.json of a tandem demo")
	default:
		return nil, nil
	}
}

// Run plays and fails edges until the time is over or ctx ends. progress, if it
// is not nil, is called five times a second meanwhile.
func (t *Test) Run(ctx context.Context, progress func(Progress)) (Result, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	t.load.began = time.Now()
	var around sync.WaitGroup
	if t.faults != nil {
		around.Go(func() { t.faults.run(ctx, t.file.Names(cluster.RoleEdge), t.cfg.Length) })
	}
	if progress != nil {
		around.Go(func() { t.progress(ctx, progress) })
	}
	t.watch(ctx)
	stop()
	around.Wait()
	return Result{Report: t.load.sum(), Policy: t.cfg.Policy, Faults: t.faults.list(), Compared: t.cfg.Origin != ""}, t.faults.err()
}

// watch runs the viewers. They come over 2 s, and start at different places of
// the stream: in step they would all be at the same segment.
func (t *Test) watch(ctx context.Context) {
	c := &t.cfg
	var digests *player.Digests
	if c.Origin != "" {
		digests = player.NewDigests(c.Origin)
	}
	spread := min(2*time.Second, c.Length/4)
	var all sync.WaitGroup
	for i := range c.Viewers {
		all.Go(func() {
			wait := spread * time.Duration(i) / time.Duration(c.Viewers)
			if !sleep(ctx, wait) {
				return
			}
			entry, others := t.address(i)
			t.load.set(i, player.Play(ctx, player.Config{
				Entry: entry, Others: others, Digests: digests, Buffer: c.Buffer, Rate: c.Rate, Retries: c.Retries, For: c.Length - wait,
				Speed: float64(c.Speed), Rendition: i, Start: i, Progress: func(r player.Report) { t.load.set(i, r) },
			}))
		})
	}
	all.Wait()
}

// address is where viewer i begins, and where it turns to when nobody answers.
func (t *Test) address(i int) (entry string, others []string) {
	if t.cfg.Policy != PolicyRoundRobin {
		return t.cfg.Entry, t.file.Viewers
	}
	u, _ := url.Parse(t.cfg.Entry) // checked by complete
	names := t.file.Names(cluster.RoleEdge)
	for k := range names {
		others = append(others, advertised(t.file.Node(names[(i+k)%len(names)])))
	}
	return others[0] + u.RequestURI(), others
}
