package upstream

import (
	"strings"
	"time"
)

// Figures are one server's since its setting was made.
type Figures struct {
	Upstream, Origin string           // prefix, base URL
	Well             bool             // it is asked first
	Tries            map[string]int64 // by result
}

// Figures lists those of all servers.
func (u *Upstreams) Figures() []Figures {
	var all []Figures
	for _, g := range *u.groups.Load() {
		for _, s := range g.servers {
			f := Figures{Upstream: g.config.Prefix, Origin: s.name, Well: s.health.well(), Tries: map[string]int64{}}
			for r := range results {
				f.Tries[r.String()] = s.counts[r].Load()
			}
			all = append(all, f)
		}
	}
	return all
}

// lately is how long a failure tells that a server does not answer, once nobody asks it
// any more.
const lately = 30 * time.Second

// Out lists the upstreams of which no server answers: its base URLs, parted by commas.
func (u *Upstreams) Out() []string {
	var out []string
	now := u.deps.Now()
	for _, g := range *u.groups.Load() {
		var names []string
		for _, s := range g.servers {
			if s.health.out(now) {
				names = append(names, s.name)
			}
		}
		if len(names) == len(g.servers) {
			out = append(out, strings.Join(names, ", "))
		}
	}
	return out
}
