package segstore

import "encoding/binary"

// maxPairs are told of one object; of more the latest ones.
const maxPairs = 32

// Pairs are those for which an object was fetched or given out, each as four
// bytes, the latest last: a text of a Meta like the others.
type Pairs string

// Pair is one of them alone; none for 0.
func Pair(id uint32) Pairs {
	if id == 0 {
		return ""
	}
	return Pairs(binary.BigEndian.AppendUint32(nil, id))
}

// Has tells whether id is one of them.
func (p Pairs) Has(id uint32) bool {
	for ; len(p) >= 4; p = p[4:] {
		if uint32(p[0])<<24|uint32(p[1])<<16|uint32(p[2])<<8|uint32(p[3]) == id {
			return true
		}
	}
	return false
}

// With are these and those.
func (p Pairs) With(others Pairs) Pairs {
	for ; len(others) >= 4; others = others[4:] {
		if !p.Has(binary.BigEndian.Uint32([]byte(others[:4]))) {
			p += others[:4]
		}
	}
	return p[max(0, len(p)-4*maxPairs):]
}

// Note adds a pair to the complete copy. True: it is new to it.
func (s *Store) Note(key Key, id uint32) bool {
	shard := s.shard(key)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	o := shard.objects[key]
	if o == nil || id == 0 {
		return false
	}
	meta := *o.meta.Load()
	if meta.Pairs.Has(id) {
		return false
	}
	if meta.Pairs = meta.Pairs.With(Pair(id)); meta.settle(s.opt.Now()) != nil {
		return false
	}
	o.meta.Store(&meta)
	if o.file != nil {
		s.commit.enqueue(key, o)
	}
	return true
}
