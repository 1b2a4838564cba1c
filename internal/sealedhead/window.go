package sealedhead

// windowSize is how far numbers may come out of order: those of many connections are
// drawn one after the other and arrive as they like.
const windowSize = 1 << 16

// window takes each number once (RFC 4303 section 3.4.3).
type window struct {
	highest uint64 // 0: none came; numbers begin at 1
	bits    [windowSize / 64]uint64
}

// has tells whether a number was taken, or is too old to be.
func (w *window) has(n uint64) bool {
	return n == 0 || n+windowSize <= w.highest || n <= w.highest && w.bits[n%windowSize/64]&(1<<(n%64)) != 0
}

// take tells whether a number is a new one, and notes it.
func (w *window) take(n uint64) bool {
	switch {
	case n == 0 || n+windowSize <= w.highest:
		return false
	case n > w.highest:
		if n-w.highest >= windowSize {
			w.bits = [windowSize / 64]uint64{}
		} else {
			for i := w.highest + 1; i <= n; i++ {
				w.bits[i%windowSize/64] &^= 1 << (i % 64)
			}
		}
		w.highest = n
	}
	at, bit := n%windowSize/64, uint64(1)<<(n%64)
	if w.bits[at]&bit != 0 {
		return false
	}
	w.bits[at] |= bit
	return true
}
