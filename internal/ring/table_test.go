package ring

import (
	"testing"

	"pgregory.net/rapid"

	"tandem/internal/wire"
)

// TestATableOfManySlots: a table of several words says what a plain list of taken slots
// says, also of slots that it does not have, and when it has been given more slots or fewer.
func TestATableOfManySlots(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		slots := rapid.IntRange(1, 300).Draw(t, "slots")
		table, model := NewTable(slots), make([]bool, slots)
		for range rapid.IntRange(0, 12).Draw(t, "ops") {
			from, n := rapid.IntRange(-70, slots+70).Draw(t, "from"), rapid.IntRange(0, 140).Draw(t, "n")
			switch rapid.IntRange(0, 3).Draw(t, "op") {
			case 0, 1:
				for slot := from; slot < from+n; slot++ {
					if table.Set(slot); slot >= 0 && slot < slots {
						model[slot] = true
					}
				}
			case 2:
				for slot := from; slot < from+n; slot++ {
					if table.Free(slot); slot >= 0 && slot < slots {
						model[slot] = false
					}
				}
			default:
				slots = rapid.IntRange(1, 300).Draw(t, "resized")
				table.Resize(slots)
				next := make([]bool, slots)
				copy(next, model)
				model = next
			}
		}
		same(t, table, model)
	})
}

// same compares a table with the plain list.
func same(t *rapid.T, table *Table, model []bool) {
	taken, top := 0, 0
	var runs []wire.Run
	for slot, is := range model {
		if table.Has(slot) != is {
			t.Fatalf("slot %d: %t", slot, !is)
		}
		if table.Below(slot) != taken {
			t.Fatalf("%d below %d, want %d", table.Below(slot), slot, taken)
		}
		if !is {
			continue
		}
		if table.Nth(taken) != slot {
			t.Fatalf("the %dth is %d, want %d", taken, table.Nth(taken), slot)
		}
		if taken++; len(runs) == 0 || runs[len(runs)-1].To != slot {
			runs = append(runs, wire.Run{From: slot})
		}
		top, runs[len(runs)-1].To = slot+1, slot+1
	}
	if table.Slots() != len(model) || table.Taken() != taken || table.top() != top || table.Below(-1) != 0 || table.Below(len(model)+70) != taken || table.Nth(taken) != len(model) {
		t.Fatalf("%d slots, %d taken, top %d", table.Slots(), table.Taken(), table.top())
	}
	if table.Has(-1) || table.Has(len(model)) || table.Has(len(model)+64) {
		t.Fatal("it has slots that are not there")
	}
	equalRuns(t, table.Runs(), runs)
	near, low := rapid.IntRange(0, len(model)).Draw(t, "near"), rapid.IntRange(0, taken).Draw(t, "low")
	nearest := -1
	for b := range len(model) + 1 {
		if table.Below(b) == low && (nearest < 0 || max(b-near, near-b) < max(nearest-near, near-nearest)) {
			nearest = b
		}
	}
	if got := table.Split(low, near); got != nearest {
		t.Fatalf("with %d below nearest to %d: %d, want %d", low, near, got, nearest)
	}
}

func equalRuns(t *rapid.T, got, want []wire.Run) {
	if len(got) != len(want) {
		t.Fatalf("runs %v, want %v", got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("runs %v, want %v", got, want)
		}
	}
}
