package scan

// Budget is how much may be remembered of a manifest beside its text, and how
// much work it may make: both in bytes, and both bounded by the size of what was
// read, so that no manifest costs more than it is long.
type Budget struct {
	Memory, Work int64 // what is left
	Broke        bool  // more was asked for once
}

// Of what is remembered, a small manifest may have Least.
const (
	Least     = 16 << 10
	perByte   = 2  // memory a byte of the manifest
	workAByte = 16 // bytes gone through a byte of the manifest
	leastWork = 1 << 20
)

// MaxURI bounds a URI: longer ones are no URIs of media.
const MaxURI = 64 << 10

// MaxMatches bounds what is looked at of what begins alike, a look-up.
const MaxMatches = 4096

// NewBudget is that of so many bytes.
func NewBudget(size int) Budget {
	return Budget{Memory: Least + perByte*int64(size), Work: leastWork + workAByte*int64(size)}
}

// Hold asks for memory; false from the first refusal on.
func (b *Budget) Hold(n int64) bool {
	if b.Memory -= n; b.Memory < 0 {
		b.Broke = true
	}
	return !b.Broke
}

// Do asks for work; false from the first refusal on.
func (b *Budget) Do(n int64) bool {
	if b.Work -= n; b.Work < 0 {
		b.Broke = true
	}
	return !b.Broke
}
