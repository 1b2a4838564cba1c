package proxy

import "time"

// silence is how long an edge has been silent in one response, and how slow it was: the
// one rule for it, on loops and in goroutines.
type silence struct {
	since   time.Time     // when it last showed life, or began to be waited for
	longest time.Duration // silence that ended by itself
	resumed bool          // the viewer had held it up until then

	waited time.Duration // for it, in the window of the slowest speed
	got    int64         // bytes in that window
}

// begin is when all that has come is used, and the edge is waited for.
func (s *silence) begin(now time.Time) { s.since = now }

// hold is for a viewer that takes no more just now: its edge is not slow.
func (s *silence) hold() {
	s.resumed = true
	s.waited, s.got = 0, 0
}

// progress ends a silence in a body. The way to its first byte is not its speed.
func (s *silence) progress(now time.Time) {
	lasted := now.Sub(s.since)
	s.since, s.resumed = now, false
	s.longest = max(s.longest, lasted)
	if s.got > 0 {
		s.waited += lasted
	}
}

// due tells whether the silence has lasted for the limit, or else when to look again;
// received is the time since the kernel last received bytes.
func (s *silence) due(now time.Time, limit time.Duration, received func() time.Duration) (again time.Duration, due bool) {
	lasted := now.Sub(s.since)
	left := limit - lasted
	switch quarter := limit / 4; {
	case left <= 0:
		return 0, true
	case !s.resumed:
		return left, false
	case lasted < quarter:
		return quarter - lasted, false
	}
	// After the viewer's pause a quarter is enough, if by the kernel's clock nothing has
	// come for the whole: one that lives sends at once then.
	quiet := received()
	return min(left, limit-quiet), quiet >= limit
}

// slow holds the edge's speed against the floor: one that lets bytes drip is not silent,
// and as bad. What it was waited for counts alone.
func (s *silence) slow(cfg *Config) bool {
	if s.waited < 3*cfg.Silence {
		return false
	}
	slow := float64(s.got) < s.waited.Seconds()*float64(cfg.Floor)
	s.waited, s.got = 0, 0
	return slow
}
