package silence

import "time"

// Limits are what an edge is held to.
type Limits struct {
	FirstByte time.Duration // of an answer
	Silence   time.Duration // in a body that the edge has
	Most      time.Duration // that those become for an edge that usually takes long
	Floor     int64         // bytes a second
}

// Silence is how long an edge has been silent in one response, and how slow it was.
type Silence struct {
	Since   time.Time     // when it last showed life, or began to be waited for
	Longest time.Duration // silence that ended by itself
	Resumed bool          // the viewer had held it up until then

	Waited time.Duration // for it, in the window of the slowest speed
	Got    int64         // bytes in that window
}

// Begin is when all that has come is used, and the edge is waited for.
func (s *Silence) Begin(now time.Time) { s.Since = now }

// Hold is for a viewer that takes no more just now: its edge is not slow.
func (s *Silence) Hold() {
	s.Resumed = true
	s.Waited, s.Got = 0, 0
}

// Progress ends a silence in a body. The way to its first byte is not its speed.
func (s *Silence) Progress(now time.Time) {
	lasted := now.Sub(s.Since)
	s.Since, s.Resumed = now, false
	s.Longest = max(s.Longest, lasted)
	if s.Got > 0 {
		s.Waited += lasted
	}
}

// Due tells whether the silence has lasted for the limit, or else when to look again;
// received is the time since the kernel last received bytes.
func (s *Silence) Due(now time.Time, limit time.Duration, received func() time.Duration) (again time.Duration, due bool) {
	lasted := now.Sub(s.Since)
	left := limit - lasted
	switch quarter := limit / 4; {
	case left <= 0:
		return 0, true
	case !s.Resumed:
		return left, false
	case lasted < quarter:
		return quarter - lasted, false
	}
	// After the viewer's pause a quarter is enough, if by the kernel's clock nothing has
	// come for the whole: one that lives sends at once then.
	quiet := received()
	return min(left, limit-quiet), quiet >= limit
}

// Slow holds the edge's speed against the floor: one that lets bytes drip is not silent,
// and as bad. What it was waited for counts alone.
func (s *Silence) Slow(l *Limits) bool {
	if s.Waited < 3*l.Silence {
		return false
	}
	slow := float64(s.Got) < s.Waited.Seconds()*float64(l.Floor)
	s.Waited, s.Got = 0, 0
	return slow
}
