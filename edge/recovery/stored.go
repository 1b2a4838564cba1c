package recovery

import (
	"maps"
	"slices"

	"tandem/internal/wire"
	"tandem/segstore"
)

// maxStreams bounds the names that a report holds, in bytes.
const maxStreams = 2 << 20

// Stored are the streams of which a store holds anything, whatever the placement wishes.
// Where that is more than a report can hold, those that are placed come first.
func Stored(store *segstore.Store, p *wire.Placement) []string {
	list, bytes := []string{}, 0
	held := slices.Sorted(maps.Keys(store.Streams()))
	for _, placed := range []bool{true, false} {
		for _, stream := range held {
			if (p.Stream(stream) != nil) == placed && bytes+len(stream) <= maxStreams {
				list = append(list, stream)
				bytes += len(stream) + 3
			}
		}
	}
	slices.Sort(list)
	return list
}
