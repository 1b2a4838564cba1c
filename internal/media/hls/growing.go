package hls

// Grows tells whether a target is a file of which a live playlist lists ranges, and
// which so may be longer each time that it is asked for; listed is how many bytes of
// it are named by now. What is beyond them an origin holds back until it is there
// (rfc8216bis 6.2.6), or knows nothing of yet.
func (l *List) Grows(target string) (listed int64, ok bool) {
	if !l.Live() {
		return 0, false
	}
	w := newWorkspace()
	defer w.release()
	entry, ok := l.find(w, target)
	if !ok {
		return 0, false
	}
	file := string(l.entry(entry).Of(l.Body))
	for n := l.ranges.Len() - 1; n >= 0; n-- {
		if e := l.ranges.At(n); string(l.entry(int(e.segment)).Of(l.Body)) == file {
			listed = e.First + e.Length
			break
		}
	}
	ranged := false // parts are ranges
	for p := l.parts.Len() - 1; p >= 0; p-- {
		e := l.parts.At(p)
		if ranged = ranged || !e.Whole(); string(e.ref.Of(l.Body)) == file {
			if !e.Whole() {
				listed = max(listed, e.First+e.Length)
			}
			break
		}
	}
	hinted := ranged && l.hint.ref.N > 0 && string(l.hint.ref.Of(l.Body)) == file
	return listed, listed > 0 || hinted
}
