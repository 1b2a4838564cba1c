package ends

import "testing"

// TestTheLastOnesOfASlotAreRemembered: some, each with when it was seen last, until it is
// there again or its slot is no more.
func TestTheLastOnesOfASlotAreRemembered(t *testing.T) {
	e := Ends{}
	for n := range uint32(6) {
		e.Note(3, n+1, int64(10*n))
	}
	e.Note(7, 1, 99)
	for n := range uint32(6) {
		if seen, ok := e.Has(3, n+1); ok != (n >= 2) || ok && seen != int64(10*n) {
			t.Errorf("%d: seen at %d, %t", n+1, seen, ok)
		}
	}
	e.Note(3, 5, 77) // once more
	e.Begins(3, 6)
	for n, want := range map[uint32]int64{5: 77, 4: 30, 3: 20} {
		if seen, ok := e.Has(3, n); !ok || seen != want {
			t.Errorf("%d: seen at %d, %t", n, seen, ok)
		}
	}
	if _, ok := e.Has(3, 6); ok {
		t.Error("it is there again")
	}
	e.Resize(7)
	if len(e) != 1 {
		t.Errorf("%v", e)
	}
	for n := range uint32(6) {
		e.Begins(3, n+1)
	}
	if len(e) != 0 {
		t.Errorf("%v", e)
	}
}
