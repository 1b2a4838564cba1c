package scan

import (
	"bytes"
	"math"
	"time"
)

// MaxTime bounds durations, so that sums can't overflow: 146 years.
const MaxTime = math.MaxInt64 / 2

// Decimal reads a number that leaves room for the segments of a list.
func Decimal(text []byte) (int64, bool) {
	const most = math.MaxInt64 - 1<<32
	n := int64(0)
	for _, c := range text {
		if c < '0' || c > '9' || n > (most-int64(c-'0'))/10 {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, len(text) > 0
}

// maxSeconds bounds a duration: longer than any programme that began with the
// Unix epoch, and below MaxTime.
const maxSeconds = 4e9

// Seconds reads seconds with or without a fraction.
func Seconds(text []byte) (time.Duration, bool) {
	point := bytes.IndexByte(text, '.')
	integer, fraction := text, []byte(nil)
	if point >= 0 {
		integer, fraction = text[:point], text[point+1:]
	}
	n := int64(0)
	for _, c := range integer {
		if c < '0' || c > '9' || n > maxSeconds {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	nano, unit := int64(0), int64(time.Second)
	for _, c := range fraction {
		if c < '0' || c > '9' {
			return 0, false
		}
		unit /= 10
		nano += int64(c-'0') * unit
	}
	if n > maxSeconds || len(integer)+len(fraction) == 0 {
		return 0, false
	}
	return time.Duration(n)*time.Second + time.Duration(nano), true
}
