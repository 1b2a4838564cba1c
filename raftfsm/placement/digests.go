package placement

import (
	"slices"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// Seen is what the proposer of a command had: the digest (ring.Digester) of a version.
type Seen struct {
	Version uint64 `json:"version"`
	Digest  string `json:"digest"`
}

// keepDigests is how many changes of the digest are remembered: more than there are
// commands on their way at once.
const keepDigests = 4096

// digests are those of the last versions.
type digests struct {
	digester ring.Digester
	rows     []Seen // each from its version on, to that of the next
	differs  uint64 // the last version that was compared, where the proposer had another digest; 0: the same
}

// follow notes the digest of the next placement.
func (d *digests) follow(p *wire.Placement) {
	digest := d.digester.Of(p)
	if len(d.rows) == 0 || d.now() != digest {
		d.rows = last(append(d.rows, Seen{p.Version, digest}), keepDigests)
	}
}

// now is the present digest.
func (d *digests) now() string { return d.rows[len(d.rows)-1].Digest }

// compare takes note of what a proposer had. What can't be compared tells nothing.
func (d *digests) compare(seen *Seen) {
	if seen == nil {
		return
	}
	i, found := slices.BinarySearchFunc(d.rows, seen.Version, func(row Seen, version uint64) int {
		switch {
		case row.Version < version:
			return -1
		case row.Version > version:
			return 1
		}
		return 0
	})
	if !found {
		i--
	}
	switch {
	case i < 0: // of before what this replica was given
	case ring.Contradict(d.rows[i].Digest, seen.Digest):
		d.differs = seen.Version
	default:
		d.differs = 0
	}
}
