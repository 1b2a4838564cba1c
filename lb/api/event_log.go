package api

import (
	"github.com/rs/zerolog"

	"tandem/internal/obs"
	"tandem/internal/wire"
	"tandem/raftfsm/placement"
)

// Logged writes an event that this balancer has committed. Viewers' coming and going
// can make thousands of those of streams and boundaries, so these may be counted; a
// death, a return or a removal has its line.
func Logged(log zerolog.Logger) func(wire.Event) {
	return func(e wire.Event) {
		switch placement.Kind(e.Kind) {
		case placement.Place, placement.Unplace, placement.MoveBoundary, placement.Settle:
			log.Info().Str("kind", e.Kind).Uint64("version", e.Version).Uint32("pair", uint32(e.Pair)).Str("stream", e.Stream).Str("text", e.Text).Msg("placement event")
		case placement.EdgeDown:
			log.Warn().Str("kind", e.Kind).Uint64("version", e.Version).Str("edge", e.Edge).Str("text", e.Text).Msg(obs.ClusterEvent)
		default:
			log.Info().Str("kind", e.Kind).Uint64("version", e.Version).Str("edge", e.Edge).Str("text", e.Text).Msg(obs.ClusterEvent)
		}
	}
}
