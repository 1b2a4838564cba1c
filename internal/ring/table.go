package ring

import (
	"math/bits"

	"tandem/internal/wire"
)

// Table is the occupancy of one pair's session table, in the low member's view
// (claims 18, 19). It knows no sessions, only which slots are taken. It is not
// safe for use by several goroutines.
type Table struct {
	slots int
	taken int
	words []uint64
}

// NewTable makes an empty table.
func NewTable(slots int) *Table {
	return &Table{slots: slots, words: make([]uint64, (slots+63)/64)}
}

// TableOf makes a table with these slots taken.
func TableOf(slots int, runs []wire.Run) *Table {
	t := NewTable(slots)
	for _, r := range runs {
		for i := max(r.From, 0); i < min(r.To, slots); i++ {
			t.Set(i)
		}
	}
	return t
}

// Slots is MAX of this table.
func (t *Table) Slots() int { return t.slots }

// Taken counts the sessions on both sides: the pair sum.
func (t *Table) Taken() int { return t.taken }

// Has tells whether a slot is taken.
func (t *Table) Has(slot int) bool {
	return slot >= 0 && slot < t.slots && t.words[slot/64]&(1<<(slot%64)) != 0
}

// Set takes a slot; a second time changes nothing.
func (t *Table) Set(slot int) {
	if slot < 0 || slot >= t.slots || t.Has(slot) {
		return
	}
	t.words[slot/64] |= 1 << (slot % 64)
	t.taken++
}

// Free gives a slot back; a second time changes nothing.
func (t *Table) Free(slot int) {
	if !t.Has(slot) {
		return
	}
	t.words[slot/64] &^= 1 << (slot % 64)
	t.taken--
}

// Allot takes the free slot that is lowest in a member's own view, of those that it
// delivers (Owned) and that the pair's limit leaves (PairLimit): what lies above that
// is to become free, so that the table can follow its members' capacity down. What is
// given to others is not among them: who allots it would seat a session on an edge that
// has not been asked.
func (t *Table) Allot(owned []wire.Run, v View, limit int) (int, bool) {
	for n := range owned {
		r := owned[n]
		if v.mirrored { // the last one is its first
			r = owned[len(owned)-1-n]
		}
		r = v.Run(wire.Run{From: max(r.From, 0), To: min(r.To, t.slots, limit)})
		for i := r.From; i < r.To; i++ {
			slot := v.Slot(i)
			switch word := slot / 64; {
			case t.words[word] != ^uint64(0):
				if !t.Has(slot) {
					t.Set(slot)
					return slot, true
				}
			case v.mirrored: // on to the next word
				i = v.Slot(word * 64)
			default:
				i = word*64 + 63
			}
		}
	}
	return 0, false
}

// Resize gives the table more slots, or fewer: what stood in those is gone.
func (t *Table) Resize(slots int) {
	for slot := slots; slot < t.slots; slot++ {
		t.Free(slot)
	}
	words := make([]uint64, (slots+63)/64)
	copy(words, t.words)
	t.slots, t.words = slots, words
}

// top is the slot behind the last taken one.
func (t *Table) top() int {
	for w := len(t.words) - 1; w >= 0; w-- {
		if t.words[w] != 0 {
			return w*64 + bits.Len64(t.words[w])
		}
	}
	return 0
}

// Below counts the taken slots below a boundary: what the low member delivers.
func (t *Table) Below(boundary int) int {
	boundary = min(max(boundary, 0), t.slots)
	n := 0
	for w := range boundary / 64 {
		n += bits.OnesCount64(t.words[w])
	}
	if rest := boundary % 64; rest > 0 {
		n += bits.OnesCount64(t.words[boundary/64] & (1<<rest - 1))
	}
	return n
}

// Nth is the slot of the n-th taken one, counted from 0; slots when there are
// not so many.
func (t *Table) Nth(n int) int {
	for w, word := range t.words {
		if c := bits.OnesCount64(word); n >= c {
			n -= c
			continue
		}
		for ; n > 0; n-- {
			word &= word - 1
		}
		return w*64 + bits.TrailingZeros64(word)
	}
	return t.slots
}

// Split is the boundary with exactly low sessions below it that is nearest to
// near.
func (t *Table) Split(low, near int) int {
	switch have := t.Below(near); {
	case have == low:
		return near
	case have > low:
		return t.Nth(low)
	}
	return t.Nth(low-1) + 1
}

// Runs lists the taken slots.
func (t *Table) Runs() []wire.Run {
	var runs []wire.Run
	for slot := 0; slot < t.slots; slot++ {
		if slot%64 == 0 && t.words[slot/64] == 0 {
			slot += 63
			continue
		}
		if !t.Has(slot) {
			continue
		}
		if n := len(runs); n > 0 && runs[n-1].To == slot {
			runs[n-1].To++
		} else {
			runs = append(runs, wire.Run{From: slot, To: slot + 1})
		}
	}
	return runs
}

// Load is the occupancy of one table as a command carries it.
type Load struct {
	Pair  wire.PairID `json:"pair"`
	Taken []wire.Run  `json:"taken"`
}
