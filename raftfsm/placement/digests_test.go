package placement

import "testing"

// What can't be compared is no difference: an older build's commands, another form of the
// digest, a version before the snapshot that a replica was given.
func TestOnlyWhatIsKnownIsCompared(t *testing.T) {
	s := NewState()
	command := up("e1", 1)
	log, err := command.Encode()
	if err != nil {
		t.Fatal(err)
	}
	before := s.digests.now()
	s.Apply(5, log)
	right := s.digests.now()
	for _, row := range []struct {
		seen *Seen
		want uint64
	}{
		{nil, 0},
		{&Seen{5, right}, 0},
		{&Seen{7, right}, 0},
		{&Seen{5, before}, 5},
		{nil, 5},
		{&Seen{6, "2-other"}, 0},
		{&Seen{4, right}, 4},
		{&Seen{4, before}, 0},
	} {
		if s.digests.compare(row.seen); s.digests.differs != row.want {
			t.Errorf("%+v: differs in %d, want %d", row.seen, s.digests.differs, row.want)
		}
	}
	s.digests.rows = s.digests.rows[1:]
	if s.digests.compare(&Seen{4, right}); s.digests.differs != 0 {
		t.Error("what is not known differs")
	}
}
