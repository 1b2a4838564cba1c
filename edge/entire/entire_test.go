package entire

import (
	"errors"
	"fmt"
	"testing"

	"tandem/internal/wire"
)

func TestWhatIsSaidIsHeard(t *testing.T) {
	for _, err := range []error{Err, Loose{5}, fmt.Errorf("the origin: %w", Loose{1 << 40})} {
		heard := Heard(Said(err))
		var was, is Loose
		if errors.As(err, &was); !errors.Is(heard, Err) || errors.As(heard, &is) != errors.As(err, &was) || is != was {
			t.Errorf("%v became %v by %q", err, heard, Said(err))
		}
	}
	for said, want := range map[string]error{"": nil, "3": nil, "10-20": nil, "wholly": nil, wire.SliceWhole: Err, wire.SliceWhole + " x": Err, wire.SliceWhole + " -1": Err} {
		if got := Heard(said); got != want {
			t.Errorf("%q: %v", said, got)
		}
	}
}
