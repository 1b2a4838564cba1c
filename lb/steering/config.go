package steering

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tandem/internal/call"
	"tandem/internal/setting"
)

// Config is who is steered, and how.
type Config struct {
	Streams []string      // by the beginnings of their names
	Fronts  []string      // base URLs of the balancers, as viewers know them
	TTL     time.Duration // how long a list is good
}

// Settings are rows of docs/config.md.
func (c *Config) Settings() []setting.Row {
	return []setting.Row{
		setting.List(&c.Streams, "steering", "Streams, by the beginning of their paths, whose players are told to fetch from the edges themselves (--public-url) by content steering, and go on elsewhere by themselves when one dies (docs/steering.md). None: this balancer carries all bytes."),
		setting.Duration(&c.TTL, "steering-ttl", 5*time.Second, time.Second, time.Hour, "How often players ask where to fetch from; less than they have buffered, in whole seconds."),
		setting.List(&c.Fronts, "steering-fronts", "Base URLs by which viewers reach the balancers, the same list on each: best one that moves with them. With --steering, where players of MPDs ask again, and for the list; without any MPDs are not steered."),
	}
}

// Validate names what can't be, and the fix.
func (c *Config) Validate() error {
	for _, prefix := range c.Streams {
		if !strings.HasPrefix(prefix, "/") {
			return fmt.Errorf("--steering: %q is not the beginning of a path: /live/, or / for all", prefix)
		}
	}
	for i, url := range c.Fronts {
		if err := call.CheckReached("--steering-fronts", url); err != nil {
			return err
		}
		c.Fronts[i] = strings.TrimSuffix(url, "/")
	}
	return nil
}

// Steers tells whether the players of a stream are steered.
func (c *Config) Steers(stream string) bool {
	return slices.ContainsFunc(c.Streams, func(prefix string) bool { return strings.HasPrefix(stream, prefix) })
}
