package scan

import "hash/maphash"

// Table finds entries by hashes: open addressing, four bytes an entry and a third.
// What an entry is, who uses it knows.
type Table struct {
	slots []uint32 // 0: free; else an entry, counted from 1, and some bits of its hash
}

const (
	entryBits = 27
	entryMask = 1<<entryBits - 1
)

// MaxEntries is how many a table takes.
const MaxEntries = entryMask - 1

var seed = maphash.MakeSeed()

// Hash is the hash of a name.
func Hash(name []byte) uint64 { return maphash.Bytes(seed, name) }

// NewTable is one for n entries.
func NewTable(n int) Table { return Table{make([]uint32, n+n/3+1)} }

// Empty tells that it was never made.
func (t *Table) Empty() bool { return len(t.slots) == 0 }

// Find is the entry with this hash that is what is looked for; else the place
// where Put puts one.
func (t *Table) Find(hash uint64, same func(entry int) bool) (entry int, place int, ok bool) {
	bits := uint32(hash) &^ entryMask
	for place = int(hash >> 1 % uint64(len(t.slots))); ; place++ {
		if place == len(t.slots) {
			place = 0
		}
		slot := t.slots[place]
		if slot == 0 {
			return 0, place, false
		}
		if entry = int(slot&entryMask) - 1; slot&^entryMask == bits && same(entry) {
			return entry, place, true
		}
	}
}

// Put puts an entry at a place that Find gave for its hash.
func (t *Table) Put(place int, hash uint64, entry int) {
	t.slots[place] = uint32(hash)&^entryMask | uint32(entry+1)
}

// Rolling is a hash that is carried on byte by byte (FNV-1a).
type Rolling uint64

var basis = Rolling(maphash.Bytes(seed, nil))

// NewRolling is the hash of nothing.
func NewRolling() Rolling { return basis }

// On is the hash with one more byte.
func (r Rolling) On(c byte) Rolling { return (r ^ Rolling(c)) * 1099511628211 }

// Sum is the hash for a Table.
func (r Rolling) Sum() uint64 { return uint64(r^r>>32) * 0x9e3779b97f4a7c15 }
