package h1

import "math"

// Range is what a Range field asks for: the bytes from First to Last, or, when First
// is negative, the last Last ones. Last is math.MaxInt64 for all that follow.
type Range struct{ First, Last int64 }

// ParseRange reads a Range field with one range of bytes (RFC 9110 14.1.2). False:
// the field is to be ignored, as it is when it asks for several ranges, for another unit,
// or for nothing that the RFC writes. Numbers that are too large are as large as can be.
func ParseRange[T string | []byte](value T) (r Range, ok bool) {
	unit, set, found := cut(value, '=')
	if !found || !Is(unit, "bytes") {
		return r, false
	}
	for more := true; more; {
		var spec T
		spec, set, more = cut(set, ',')
		if spec = trimmed(spec); len(spec) == 0 {
			continue // RFC 9110 5.6.1: empty members of a list count for nothing
		}
		if ok {
			return r, false
		}
		if r, ok = rangeSpec(spec); !ok {
			return r, false
		}
	}
	return r, ok
}

func rangeSpec[T string | []byte](spec T) (r Range, ok bool) {
	from, to, found := cut(spec, '-')
	first, firstOK := position(from)
	last, lastOK := position(to)
	switch {
	case !found || len(from) > 0 && !firstOK || len(to) > 0 && !lastOK || len(from)+len(to) == 0:
		return r, false
	case len(from) == 0:
		return Range{-1, last}, true
	case len(to) == 0:
		return Range{first, math.MaxInt64}, true
	}
	return Range{first, last}, first <= last
}

// position reads digits; what does not fit is the largest number.
func position[T string | []byte](s T) (n int64, ok bool) {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		if n > (math.MaxInt64-9)/10 {
			n = math.MaxInt64
		} else {
			n = n*10 + int64(s[i]-'0')
		}
	}
	return n, len(s) > 0
}

// Of is the part of a body of that size that the range means, both ends included.
// False: there is none, which is 416 (RFC 9110 15.5.17).
func (r Range) Of(size int64) (first, last int64, ok bool) {
	first, last = r.First, min(r.Last, size-1)
	if first < 0 {
		first, last = max(size-r.Last, 0), size-1
	}
	return first, last, first <= last
}

// OpenEnd tells whether the range is "bytes=K-": what can be given of a body whose
// length is not known yet.
func (r Range) OpenEnd() bool { return r.First >= 0 && r.Last == math.MaxInt64 }

// ContentRange is what a Content-Range field says: the bytes from First to Last of Total.
// Last and Total are -1 where they are "*"; First is -1 where there is no range at all, as in
// an answer with 416.
type ContentRange struct{ First, Last, Total int64 }

// ParseContentRange reads a Content-Range field of bytes (RFC 9110 14.4): "bytes 5-9/10",
// "bytes 5-9/*", "bytes */10"; and "bytes 5-*/*", which only edges say of a body that
// grows.
func ParseContentRange[T string | []byte](value T) (r ContentRange, ok bool) {
	r = ContentRange{-1, -1, -1}
	unit, spec, found := cut(value, ' ')
	if !found || !Is(unit, "bytes") {
		return r, false
	}
	span, total, found := cut(spec, '/')
	if !found {
		return r, false
	}
	if !Is(total, "*") {
		if r.Total, ok = Number(total); !ok {
			return r, false
		}
	}
	if Is(span, "*") {
		return r, r.Total >= 0
	}
	from, to, found := cut(span, '-')
	if !found {
		return r, false
	}
	if r.First, ok = Number(from); !ok {
		return r, false
	}
	if Is(to, "*") {
		return r, r.Total < 0
	}
	r.Last, ok = Number(to)
	return r, ok && r.First <= r.Last && (r.Total < 0 || r.Last < r.Total)
}

// Length is how many bytes the range has, -1: not known.
func (r ContentRange) Length() int64 {
	if r.First < 0 || r.Last < 0 {
		return -1
	}
	return r.Last - r.First + 1
}
