package origin

import (
	"testing"

	"github.com/go-chi/chi/v5"

	"tandem/internal/rights"
	"tandem/internal/rights/rightstest"
)

func TestEveryEndpointOfAnOriginHasItsRow(t *testing.T) {
	rightstest.Routes(t, new(Origin).Handler().(chi.Routes), rights.OfOrigins)
}
