package ring

// Mirror is the slot of the other member's view (claims 24, 25).
func Mirror(slot, slots int) int { return slots - 1 - slot }

// MirrorBoundary is the boundary of the other member's view (claims 24, 25).
func MirrorBoundary(boundary, slots int) int { return slots - boundary }

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
