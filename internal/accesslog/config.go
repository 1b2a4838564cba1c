package accesslog

import "tandem/internal/setting"

// Config is what is written, and where.
type Config struct {
	File   string // "": nothing, "-": standard output
	Sample int    // sessions of a thousand
}

// Settings is the table of them.
func (c *Config) Settings() []setting.Row {
	return []setting.Row{
		setting.String(&c.File, "access-log", "", "File for a line a request, in JSON; \"-\": standard output; empty: none. SIGUSR1 opens it anew. What is written does not take the fast path."),
		setting.Int(&c.Sample, "access-log-sample", 1000, 1, 1000, "sessions of 1000", "Of how many of every 1000 sessions the requests are written: of one session all or none."),
	}
}
