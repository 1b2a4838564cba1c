package recovery

import (
	"maps"
	"slices"

	"tandem/internal/wire"
	"tandem/segstore"
)

// MaxStreams is how many bytes of names a report holds at most.
const MaxStreams = 2 << 20

// Stored are the streams of which a store holds anything, whatever the placement wishes.
// Where that is more than most bytes, those that are placed come first.
func Stored(store *segstore.Store, p *wire.Placement, most int) []string {
	list, bytes := []string{}, 0
	held := slices.Sorted(maps.Keys(store.Streams()))
	for _, placed := range []bool{true, false} {
		for _, stream := range held {
			if (p.Stream(stream) != nil) == placed && bytes+len(stream) <= most {
				list = append(list, stream)
				bytes += len(stream) + 3
			}
		}
	}
	slices.Sort(list)
	return list
}
