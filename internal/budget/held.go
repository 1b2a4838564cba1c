package budget

import (
	"math/bits"
	"sync"
	"time"
)

// Held bounds what the kernel holds for clients that do not take it, in bytes, over all
// who look after clients: loops, and others (Share). Each tells at times what is held, by
// how bad that is, and hears who has to go when the sum is too much: the worst first,
// whoever has them.
type Held struct {
	mu     sync.Mutex
	most   int64 // guarded by mu, as all below; 0: no bound
	shares map[*Share]Levels

	spares time.Duration
}

// Spares is for viewers: who has taken something so lately takes it as fast as sound is
// played, and is no slow client, however many there are.
const Spares = 5 * time.Second

// Share is what one of them has to do with it.
type Share struct{ of *Held }

// Levels are bytes by how bad it is to hold them (Level).
type Levels [64]int64

// Level is how bad it is here to hold so many bytes for so long; 0: not at all.
func (s *Share) Level(bytes int64, since time.Duration) int {
	if since < s.of.spares {
		return 0
	}
	return level(bytes, since)
}

// level says how bad it is to hold so many bytes for so long: twice the bytes are as bad
// as twice the time. The first tenth of a second is everybody's: who takes all the time has
// no more, so that who takes nothing goes long before, with a tenth of the bytes.
func level(bytes int64, since time.Duration) int {
	more, product := bits.Mul64(uint64(max(bytes, 0)>>10), uint64(max(since, 0).Milliseconds()+100))
	if more > 0 {
		return len(Levels{}) - 1
	}
	return min(bits.Len64(product), len(Levels{})-1)
}

// Excess is who has to go: all above a level, and of the level those who hold so many
// bytes; who holds nothing that is worse than nothing (level 0) never has to.
type Excess struct {
	Level int
	Bytes int64
}

// NewHeld makes one with a bound in bytes; 0: none. Who began to take nothing less than
// spares ago goes in no case.
func NewHeld(most int64, spares time.Duration) *Held {
	return &Held{most: most, shares: map[*Share]Levels{}, spares: spares}
}

// Limit changes the bound.
func (h *Held) Limit(most int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.most = most
}

// Limited is the bound.
func (h *Held) Limited() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.most
}

// Bytes is what all hold, as they have told last.
func (h *Held) Bytes() (sum int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, levels := range h.shares {
		for _, n := range levels {
			sum += n
		}
	}
	return sum
}

// Join is for one more who looks after clients.
func (h *Held) Join() *Share { return &Share{of: h} }

// Leave is for one who does no more.
func (s *Share) Leave() {
	s.of.mu.Lock()
	defer s.of.mu.Unlock()
	delete(s.of.shares, s)
}

// Tell says what is held here, and hears who of these has to go; false: nobody. They
// count as gone. Where several have some of the same level each gives its part. much
// tells that it is more than half of what may be.
func (s *Share) Tell(mine Levels) (goes Excess, any, much bool) {
	h := s.of
	h.mu.Lock()
	defer h.mu.Unlock()
	h.shares[s] = mine
	var all Levels
	sum := int64(0)
	for _, levels := range h.shares {
		for i, n := range levels {
			all[i] += n
			sum += n
		}
	}
	if h.most <= 0 {
		return Excess{}, false, false
	}
	excess := sum - h.most
	if excess <= 0 {
		return Excess{}, false, sum > h.most/2
	}
	level := len(all) - 1
	for ; level > 0 && all[level] <= excess; level-- {
		excess -= all[level]
		any = any || mine[level] > 0
		mine[level] = 0
	}
	if level > 0 && excess > 0 && mine[level] > 0 {
		goes.Bytes = int64(float64(excess)*float64(mine[level])/float64(all[level])) + 1
		mine[level] = max(0, mine[level]-goes.Bytes)
		any = true
	}
	goes.Level = level
	h.shares[s] = mine
	return goes, any, true
}
