package main

import "slices"

// result is one row of the table.
type result struct {
	Contender    string `json:"contender"`
	Fault        string `json:"fault"`
	InFlight     int    `json:"in_flight"` // responses under way at the fault
	FromDead     int    `json:"from_dead"` // of them, from the cache that failed
	Broken       int    `json:"broken"`    // bodies truncated, wrong or failed
	Wrong        int    `json:"wrong"`
	NoRetry      int    `json:"no_retry"`       // viewers that never retry
	Errors       int    `json:"errors"`         // of them, those that saw an error
	Stalled      int    `json:"stalled"`        // viewers
	StallMS      int64  `json:"stall_ms"`       // all together
	StalledShort int    `json:"stalled_short"`  // viewers with a 4 s buffer
	NextByteP95  int64  `json:"next_byte_p95"`  // ms, over viewers that the failed cache served and that went on
	Never        int    `json:"never"`          // viewers that it served and that never got another byte
	OriginAsked  int    `json:"origin_asked"`   // requests for segments after the warm-up
	Dead         string `json:"dead,omitempty"` // name of the cache that failed
	FirstError   string `json:"first_error,omitempty"`
}

// measure reduces what the viewers saw to a row. faultAt is unix milliseconds; dead is
// the cache that failed, "" when the balancer did, which carried all responses.
func measure(logs []journal, dead string, faultAt int64) result {
	r := result{Dead: dead}
	var gaps []int64
	for _, j := range logs {
		r.Broken += j.Truncated + j.Failed + j.Wrong
		r.Wrong += j.Wrong
		if j.Retries == 0 {
			r.NoRetry++
			if j.Dead || j.Truncated+j.Failed+j.Wrong > 0 {
				r.Errors++
			}
		}
		if j.Stalls > 0 {
			r.Stalled++
			r.StallMS += j.StallMS
			if j.Short {
				r.StalledShort++
			}
		}
		if r.FirstError == "" {
			r.FirstError = j.FirstError
		}
		for i, t := range j.Transfers {
			if t.Start >= faultAt || t.End <= faultAt {
				continue
			}
			r.InFlight++
			if dead != "" && t.Cache != dead {
				continue
			}
			r.FromDead++
			if ms, ok := nextByte(j, i, faultAt); ok {
				gaps = append(gaps, ms)
			} else {
				r.Never++
			}
		}
	}
	if len(gaps) > 0 {
		slices.Sort(gaps)
		r.NextByteP95 = gaps[(len(gaps)*95+99)/100-1]
	}
	return r
}

// nextByte is how long a viewer whose response was hit waited for a good byte:
// inside the same response when it was finished, else until the next response
// began to deliver. False: it never got one, as a viewer that doesn't retry.
func nextByte(j journal, i int, faultAt int64) (int64, bool) {
	t := j.Transfers[i]
	switch {
	case t.Intact && t.GapAt+t.GapMS < faultAt:
		return 0, true
	case t.Intact:
		return t.GapMS, true
	case i+1 < len(j.Transfers):
		return j.Transfers[i+1].Start - t.End + t.GapMS, true
	}
	return 0, false
}
