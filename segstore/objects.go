package segstore

import "math"

const (
	objectMemory = 3 << 10 // bytes of memory that an object on the disk takes: key, metadata, places in maps and queues
	memoryShare  = 8       // an eighth of the memory is for them
	fewObjects   = 1 << 16
	fewVolatile  = 1 << 12 // of those that are in memory alone, which take as much beside their bodies
)

// mostObjects is how many objects on the disk are kept where the machine has so much
// memory; 0: nobody knows. What a store may hold in bytes does not bound them: bodies of a
// few bytes each, as a stranger can have them fetched by any number of names, would take
// twice as much memory as disk.
func mostObjects(memory uint64) int {
	if memory == 0 {
		return fewObjects * memoryShare
	}
	return int(max(fewObjects, min(memory/memoryShare/objectMemory, math.MaxInt32)))
}
