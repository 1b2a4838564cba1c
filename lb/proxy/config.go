package proxy

import (
	"time"

	"tandem/internal/setting"
)

// Config holds the limits of carrying.
type Config struct {
	Connect     time.Duration
	FirstByte   time.Duration
	Silence     time.Duration
	MaxSilence  time.Duration
	Total       time.Duration
	Attempts    int
	IdlePerEdge int
	Floor       int64 // bytes a second
	MaxReceived int64 // bytes; 0: what the system likes
}

// Settings is the table of them, with their defaults set.
func (c *Config) Settings() []setting.Row {
	const ms = time.Millisecond
	return []setting.Row{
		setting.Duration(&c.Connect, "edge-connect-limit", 150*ms, 5*ms, 10*time.Second,
			"How long a connection to an edge may take, twice that with certificates, before the next edge is asked as well; it is waited for all the same."),
		setting.Duration(&c.FirstByte, "edge-first-byte-limit", 400*ms, 10*ms, 30*time.Second,
			"How long an edge may take to begin an answer before its partner is asked as well; an edge that says that it waits for the origin is not meant."),
		setting.Duration(&c.Silence, "edge-silence-limit", 400*ms, 10*ms, 30*time.Second,
			"How long a body may stand still, while the viewer could take more, before the rest is asked of the partner."),
		setting.Duration(&c.MaxSilence, "edge-silence-most", 10*time.Second, 10*ms, 2*time.Minute,
			"The longest that the two limits become for an edge that usually takes long: they are twice what is usual."),
		setting.Duration(&c.Total, "edge-total-limit", 30*time.Second, 100*ms, 10*time.Minute,
			"How long a response may make no progress at all, whoever is asked, before the viewer's connection is broken."),
		setting.Int(&c.Attempts, "edge-attempts", 6, 1, 32, "edges",
			"How many edges are asked for one response."),
		setting.Int(&c.IdlePerEdge, "edge-idle-connections", 4096, 0, 65536, "connections",
			"How many idle connections to one edge each loop keeps at most; those that were busy in the last 30 seconds are kept, so this bounds a burst."),
		setting.Bytes(&c.Floor, "edge-slowest", 16<<10, 0, 1<<30,
			"Bytes a second below which an edge that has the whole body, and a viewer that waits for it, counts as silent; 0: none."),
		setting.Bytes(&c.MaxReceived, "max-received", 0, 0, 64<<20,
			"Most bytes that lie in the kernel on one connection to an edge, received and not given to a viewer yet; 0: what the system likes, which costs less time (docs/limits.md)."),
	}
}

// fill sets what is not set to its default.
func (c *Config) fill() {
	var standard Config
	standard.Settings()
	if c.Connect == 0 {
		c.Connect = standard.Connect
	}
	if c.FirstByte == 0 {
		c.FirstByte = standard.FirstByte
	}
	if c.Silence == 0 {
		c.Silence = standard.Silence
	}
	if c.MaxSilence == 0 {
		c.MaxSilence = standard.MaxSilence
	}
	if c.Total == 0 {
		c.Total = standard.Total
	}
	if c.Attempts == 0 {
		c.Attempts = standard.Attempts
	}
	if c.IdlePerEdge == 0 {
		c.IdlePerEdge = standard.IdlePerEdge
	}
	if c.Floor == 0 {
		c.Floor = standard.Floor
	}
}
