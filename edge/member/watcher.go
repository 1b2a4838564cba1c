package member

// watcher is another edge that holds the same table: what it knows of it, and what
// it has told. The table's mu guards it.
type watcher struct {
	incarnation uint64 // its life that all below is of
	spare       bool   // it is told the table lest two die at once, and is waited for by nobody

	news    map[int]uint32 // slots that changed since it was told, with the generation
	told    map[int]told   // what it knows of each slot
	covered int            // slots below this one were told it whole
	sent    uint64         // number of the last notice to it

	last    noticeMark // the last notice taken from it
	heard   int        // slots below this one were told by it whole
	current uint64     // version of the placement of the last notice behind which it had nothing more to say
	whole   uint64     // the same, of the last one before which everybody else had told it everything
}

// told is what a watcher knows of a session.
type told struct {
	generation uint32
	news       news
}

func newWatcher(incarnation uint64) *watcher {
	return &watcher{incarnation: incarnation, news: map[int]uint32{}, told: map[int]told{}}
}

// startOver makes the next notices tell everything.
func (w *watcher) startOver() {
	w.covered = 0
	clear(w.told)
}

// noticeMark is how new a notice is; the higher one wins.
type noticeMark struct{ incarnation, sequence uint64 }

func (m noticeMark) before(o noticeMark) bool {
	return m.incarnation < o.incarnation || m.incarnation == o.incarnation && m.sequence < o.sequence
}
