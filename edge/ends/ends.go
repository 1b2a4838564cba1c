// Package ends remembers which sessions of a table's slots have ended: another edge that has
// not heard of it may tell of one once more, and is believed only if it has seen it later.
package ends

import (
	"maps"
	"slices"
)

// kept is how many sessions of one slot are remembered: a slot may be given away and left
// again more than once before a notice is answered.
const kept = 4

// Ends are the last sessions of each slot that have ended, the last one first. Whoever holds
// the table guards it.
type Ends map[int][]end

type end struct {
	generation uint32
	seen       int64
}

// Note remembers that a session has ended, and when it was seen last, in unix milliseconds;
// 0: that is not known.
func (e Ends) Note(slot int, generation uint32, seen int64) {
	e.Begins(slot, generation)
	list := append([]end{{generation, seen}}, e[slot]...)
	e[slot] = list[:min(len(list), kept)]
}

// Has tells whether a session has ended, and when it was seen last.
func (e Ends) Has(slot int, generation uint32) (seen int64, ok bool) {
	for _, one := range e[slot] {
		if one.generation == generation {
			return one.seen, true
		}
	}
	return 0, false
}

// Begins takes back that a session has ended: it is there again.
func (e Ends) Begins(slot int, generation uint32) {
	e[slot] = slices.DeleteFunc(e[slot], func(one end) bool { return one.generation == generation })
	if len(e[slot]) == 0 {
		delete(e, slot)
	}
}

// Resize forgets those of slots that are no more.
func (e Ends) Resize(slots int) {
	maps.DeleteFunc(e, func(slot int, _ []end) bool { return slot >= slots })
}
