package entire

import (
	"errors"
	"strconv"
	"strings"

	"tandem/internal/wire"
)

// Err: an object is to be had whole, or not at all.
var Err = errors.New("it is given whole, or not at all")

// Loose is Err for an object of that many bytes whose origin gives parts, but without a
// version by which they could be put together (RFC 9110 section 15.3.7.3).
type Loose struct{ Total int64 }

func (Loose) Error() string { return "its parts show no version" }

// Is makes it Err as well.
func (Loose) Is(target error) bool { return target == Err }

// Said is how a neighbour is told (wire.HeaderSlice).
func Said(err error) string {
	var loose Loose
	if errors.As(err, &loose) {
		return wire.SliceWhole + " " + strconv.FormatInt(loose.Total, 10)
	}
	return wire.SliceWhole
}

// Heard is what was told; nil: nothing was.
func Heard(said string) error {
	word, rest, more := strings.Cut(said, " ")
	if word != wire.SliceWhole {
		return nil
	}
	if total, err := strconv.ParseInt(rest, 10, 64); more && err == nil && total > 0 {
		return Loose{total}
	}
	return Err
}
