package wire

import (
	"cmp"
	"iter"
	"slices"
)

// sorted is a list of values in the order of their keys, in parts. It never
// changes: with and without give another one that shares with it all parts but the
// one or two in which they differ, so that a change costs the same whether there are
// a hundred values or a hundred thousand.
type sorted[K cmp.Ordered, V any] struct {
	parts []*part[K, V] // none is empty
	count int
}

type part[K cmp.Ordered, V any] struct {
	keys   []K
	values []V
}

// mostInPart: with a hundred thousand values a change copies a part of so many and
// some four hundred pointers.
const mostInPart = 512

// at is the part that a key is in, or would be.
func (s sorted[K, V]) at(key K) int {
	low, high := 0, len(s.parts)
	for high-low > 1 { // the last part that begins at or before key
		if mid := (low + high) / 2; s.parts[mid].keys[0] <= key {
			low = mid
		} else {
			high = mid
		}
	}
	return low
}

func (s sorted[K, V]) get(key K) (value V, ok bool) {
	if s.count == 0 {
		return value, false
	}
	p := s.parts[s.at(key)]
	i, ok := slices.BinarySearch(p.keys, key)
	if ok {
		value = p.values[i]
	}
	return value, ok
}

// with has this value under the key, in place of one that was there.
func (s sorted[K, V]) with(key K, value V) sorted[K, V] {
	if s.count == 0 {
		return sorted[K, V]{parts: []*part[K, V]{{[]K{key}, []V{value}}}, count: 1}
	}
	n := s.at(key)
	old := s.parts[n]
	i, known := slices.BinarySearch(old.keys, key)
	if known {
		values := slices.Clone(old.values)
		values[i] = value
		return s.replace(n, s.count, &part[K, V]{old.keys, values})
	}
	keys, values := inserted(old.keys, i, key), inserted(old.values, i, value)
	if len(keys) <= mostInPart {
		return s.replace(n, s.count+1, &part[K, V]{keys, values})
	}
	half := len(keys) / 2
	return s.replace(n, s.count+1, &part[K, V]{keys[:half:half], values[:half:half]}, &part[K, V]{keys[half:], values[half:]})
}

// without has no value under the key.
func (s sorted[K, V]) without(key K) sorted[K, V] {
	if s.count == 0 {
		return s
	}
	n := s.at(key)
	old := s.parts[n]
	i, known := slices.BinarySearch(old.keys, key)
	switch {
	case !known:
		return s
	case len(old.keys) == 1:
		return s.replace(n, s.count-1)
	}
	return s.replace(n, s.count-1, &part[K, V]{slices.Delete(slices.Clone(old.keys), i, i+1), slices.Delete(slices.Clone(old.values), i, i+1)})
}

// replace puts others in the place of the n-th part.
func (s sorted[K, V]) replace(n, count int, by ...*part[K, V]) sorted[K, V] {
	parts := make([]*part[K, V], 0, len(s.parts)+1)
	parts = append(append(append(parts, s.parts[:n]...), by...), s.parts[n+1:]...)
	return sorted[K, V]{parts: parts, count: count}
}

func inserted[T any](list []T, i int, value T) []T {
	next := make([]T, 0, len(list)+1)
	return append(append(append(next, list[:i]...), value), list[i:]...)
}

// all are keys and values in order.
func (s sorted[K, V]) all() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		for _, p := range s.parts {
			for i, key := range p.keys {
				if !yield(key, p.values[i]) {
					return
				}
			}
		}
	}
}

// differ are the keys of parts that one list has and the other has not: all keys
// whose values differ are among them. Of lists that were made from one another that is
// a part or two.
func (s sorted[K, V]) differ(o sorted[K, V]) iter.Seq[K] {
	return func(yield func(K) bool) {
		for a, b := s.parts, o.parts; len(a)+len(b) > 0; {
			var p *part[K, V]
			switch {
			case len(a) > 0 && len(b) > 0 && a[0] == b[0]:
				a, b = a[1:], b[1:]
				continue
			case len(b) == 0 || len(a) > 0 && a[0].keys[0] <= b[0].keys[0]:
				p, a = a[0], a[1:]
			default:
				p, b = b[0], b[1:]
			}
			for _, key := range p.keys {
				if !yield(key) {
					return
				}
			}
		}
	}
}

// collect is a list of many values at once. Of two with one key the last counts.
func collect[K cmp.Ordered, V any](values []V, key func(V) K) sorted[K, V] {
	values = slices.Clone(values)
	slices.SortStableFunc(values, func(a, b V) int { return cmp.Compare(key(a), key(b)) })
	var s sorted[K, V]
	for i, v := range values {
		if i+1 < len(values) && key(values[i+1]) == key(v) {
			continue
		}
		if n := len(s.parts); n == 0 || len(s.parts[n-1].keys) == mostInPart/2 { // room for more in each
			s.parts = append(s.parts, &part[K, V]{make([]K, 0, mostInPart/2), make([]V, 0, mostInPart/2)})
		}
		p := s.parts[len(s.parts)-1]
		p.keys, p.values = append(p.keys, key(v)), append(p.values, v)
		s.count++
	}
	return s
}
