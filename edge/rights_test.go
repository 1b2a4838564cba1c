package edge

import (
	"testing"

	"tandem/internal/rights"
	"tandem/internal/rights/rightstest"
)

func TestEveryEndpointOfAnEdgeHasItsRow(t *testing.T) {
	e := startEdge(t, Config{Origin: newOrigin(t).URL})
	rightstest.Routes(t, e.Nodes().routes(), rights.OfEdges)
}
