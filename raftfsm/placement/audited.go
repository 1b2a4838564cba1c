package placement

import (
	"fmt"

	"tandem/internal/wire"
)

// audited keeps what operators have asked of a balancer: at all of them, and after its
// death. The oldest go.
func audited(ch *change) error {
	given := ch.c.Audited
	if len(given) == 0 || len(given) > wire.MaxAudited {
		return fmt.Errorf("%w: %d orders", ErrMalformed, len(given))
	}
	for _, a := range given {
		for _, text := range []*string{&a.Node, &a.Who, &a.Role, &a.By, &a.From, &a.Method, &a.Path} {
			*text = cut(*text)
		}
		ch.audited = append(ch.audited, a)
	}
	return nil
}
