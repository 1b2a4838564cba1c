package serve

import (
	"time"

	"tandem/internal/setting"
)

// Config is how a process begins and ends.
type Config struct {
	LameDuck time.Duration // not ready and still open
	Drain    time.Duration // for what is in flight, once the listeners are closed
	Replace  bool          // take the sockets over from the process that runs
}

// Settings are the rows that every role has.
func (c *Config) Settings() []setting.Row {
	return []setting.Row{
		setting.Duration(&c.LameDuck, "lame-duck", 2*time.Second, 0, 10*time.Minute, "After SIGTERM /readyz says 503 for so long before the listeners close, so that whoever sends viewers here can turn away; answers say Connection: close meanwhile.").Reloadable(),
		setting.Duration(&c.Drain, "drain-time", 30*time.Second, 0, 24*time.Hour, "After that, what is in flight may take so long to end. A second SIGTERM ends everything at once.").Reloadable(),
	}
}

// ReplaceSetting is the row of the roles whose sockets can be taken over.
func (c *Config) ReplaceSetting() setting.Row {
	return setting.Bool(&c.Replace, "replace", false, "Take the listening sockets over from the process that runs with the same data directory, which then ends: an upgrade without a failed request. SIGUSR2 to that process does the same.")
}
