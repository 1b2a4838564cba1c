package access

import (
	"math"
	"time"
)

// skew is how far the clocks of who signs and of this machine may differ.
const skew = 5 * time.Minute

// lifetime finds when what a token grants ends: when it says, and no later than the
// rule's maximum after it was issued, or, where it does not say when that was, after now.
// A token without an end (RFC 7519 section 4.1.4 and RFC 8392 let signers leave it out)
// opens only where the rule has a maximum, and it says when it was issued: else nobody
// could ever take it back. Zero times: it does not say.
func (r *Rule) lifetime(issued, ends, now time.Time) (time.Time, error) {
	if ends.IsZero() && (r.maximum == 0 || issued.IsZero()) {
		return ends, refuse(ReasonInvalid, "the token does not say when it ends (exp)")
	}
	if issued.After(now.Add(skew)) && r.maximum > 0 {
		return ends, refuse(ReasonEarly, "the token is not issued yet")
	}
	if r.maximum > 0 {
		latest := now.Add(r.maximum)
		if !issued.IsZero() {
			latest = issued.Add(r.maximum)
		}
		if ends.IsZero() || latest.Before(ends) {
			ends = latest
		}
	}
	if !now.Before(ends) {
		return ends, refuse(ReasonExpired, "the token has expired")
	}
	return ends, nil
}

// longest is the latest time that is taken, in unix seconds: the year 9999.
const longest = 253402300799

// moment is a time of a claim, in unix seconds; false: it can't be one.
func momentOf(seconds float64) (time.Time, bool) {
	if math.IsNaN(seconds) || seconds < 0 || seconds > longest {
		return time.Time{}, false
	}
	return time.UnixMilli(int64(seconds * 1000)), true
}
