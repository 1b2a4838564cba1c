package ring

import "tandem/internal/wire"

// Mirror is the slot of the other member's view (claims 24, 25).
func Mirror(slot, slots int) int { return slots - 1 - slot }

// MirrorBoundary is the boundary of the other member's view (claims 24, 25).
func MirrorBoundary(boundary, slots int) int { return slots - boundary }

// View is a pair's table as one of its members sees it. Placement and wire have the
// low member's view, the high member's is its mirror (claims 24, 25). In its own view
// each member delivers what is below the boundary and allots the lowest free slot
// first, so what is said of one member holds for both. An edge that is no member sees
// what the low one sees.
type View struct {
	slots    int
	mirrored bool
}

// ViewOf is how an edge sees a pair's table.
func ViewOf(q *wire.Pair, edge string) View {
	return View{slots: q.Slots, mirrored: edge == q.High && edge != q.Low}
}

// Slot leads from the member's view to the low one's, and back.
func (v View) Slot(slot int) int {
	if v.mirrored {
		return Mirror(slot, v.slots)
	}
	return slot
}

// Boundary leads from the member's view to the low one's, and back.
func (v View) Boundary(boundary int) int {
	if v.mirrored {
		return MirrorBoundary(boundary, v.slots)
	}
	return boundary
}

// Run leads from the member's view to the low one's, and back.
func (v View) Run(r wire.Run) wire.Run {
	if v.mirrored {
		return wire.Run{From: MirrorBoundary(r.To, v.slots), To: MirrorBoundary(r.From, v.slots)}
	}
	return r
}

// Admission rules (claims 8 and 9).
const (
	FailSafeAdmission = "failsafe" // edge total <= (n-1)/n x MAX and pair sum <= MAX
	PairAdmission     = "pair"     // pair sums <= MAX only; survives no failure at full load
)

// Limits is the most sessions that each edge is given: capacity x (sum -
// largest) / sum, which is (n-1)/n x MAX when all are equal, so that the others
// can carry what any one of them carries. An edge that is alone has its whole
// capacity: nobody could stand in for it.
func Limits(capacities []int, admission string) []int {
	limits := append([]int(nil), capacities...)
	if admission == PairAdmission || len(capacities) < 2 {
		return limits
	}
	sum, largest := 0, 0
	for _, c := range capacities {
		sum += c
		largest = max(largest, c)
	}
	if sum == 0 {
		return limits
	}
	for i, c := range capacities {
		limits[i] = c * (sum - largest) / sum
	}
	return limits
}
