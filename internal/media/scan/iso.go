package scan

import (
	"bytes"
	"math"
	"math/bits"
	"time"
)

// ISODuration reads an xs:duration; years have 365 days, months 30.
func ISODuration(text []byte) (time.Duration, bool) {
	text = bytes.TrimSpace(text)
	if len(text) < 3 || text[0] != 'P' {
		return 0, false
	}
	const day = 24 * time.Hour
	sum, number, clock := time.Duration(0), -1, false
	for i := 1; i < len(text); i++ {
		c := text[i]
		if '0' <= c && c <= '9' || c == '.' {
			if number < 0 {
				number = i
			}
			continue
		}
		if c == 'T' && number < 0 && !clock {
			clock = true
			continue
		}
		if number < 0 {
			return 0, false
		}
		count, ok := Seconds(text[number:i])
		unit := time.Duration(0)
		switch {
		case !ok:
		case clock && c == 'S':
			unit = time.Second
		case clock && c == 'M':
			unit = time.Minute
		case clock && c == 'H':
			unit = time.Hour
		case !clock && c == 'D':
			unit = day
		case !clock && c == 'M':
			unit = 30 * day
		case !clock && c == 'Y':
			unit = 365 * day
		}
		if unit == 0 || count > MaxTime/(unit/time.Second) {
			return 0, false
		}
		if sum += count * (unit / time.Second); sum > MaxTime {
			return 0, false
		}
		number = -1
	}
	return sum, number < 0
}

// ISOTime reads an xs:dateTime as Unix nanoseconds; one without a zone is meant
// in UTC, as packagers do.
func ISOTime(text []byte) (int64, bool) {
	for _, form := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999"} {
		if t, err := time.Parse(form, string(bytes.TrimSpace(text))); err == nil && t.Year() > 1900 && t.Year() < 2200 {
			return t.UnixNano(), true
		}
	}
	return 0, false
}

// MaxUnits bounds times and numbers in an MPD, so that sums can't overflow.
const MaxUnits = math.MaxInt64 / 4

// Units reads a whole number that is not negative.
func Units(text []byte) (int64, bool) {
	n, ok := Decimal(bytes.TrimSpace(text))
	return n, ok && n <= MaxUnits
}

// ToTime is a number of units as a duration, as exact as that can be.
func ToTime(n, scale int64) time.Duration {
	negative := n < 0
	if negative {
		n = -n
	}
	high, low := bits.Mul64(uint64(n), uint64(time.Second))
	if scale <= 0 || high >= uint64(scale) {
		return 0
	}
	d, _ := bits.Div64(high, low, uint64(scale))
	if d > MaxTime {
		d = MaxTime
	}
	if negative {
		return -time.Duration(d)
	}
	return time.Duration(d)
}

// ToUnits is a duration in units, rounded up.
func ToUnits(d time.Duration, scale int64) int64 {
	if d <= 0 || scale <= 0 {
		return 0
	}
	high, low := bits.Mul64(uint64(d), uint64(scale))
	low, carry := bits.Add64(low, uint64(time.Second)-1, 0)
	if high += carry; high >= uint64(time.Second) {
		return MaxUnits
	}
	n, _ := bits.Div64(high, low, uint64(time.Second))
	return int64(min(n, MaxUnits))
}
