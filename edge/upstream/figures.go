package upstream

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
