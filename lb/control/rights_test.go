package control

import (
	"testing"

	"tandem/internal/rights"
	"tandem/internal/rights/rightstest"
)

func TestEveryEndpointOfABalancerHasItsRow(t *testing.T) {
	rightstest.Routes(t, routesOf(&Control{Authority: new(Authority)}), rights.OfBalancers)
}
