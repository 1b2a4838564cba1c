package player

import (
	"fmt"
	"time"
)

// Report is what one viewer saw, or many together.
type Report struct {
	Viewers      int           `json:"viewers"`
	Segments     int           `json:"segments"` // fetched in full, with the origin's bytes
	Bytes        int64         `json:"bytes"`
	Playlists    int           `json:"playlists"`
	Played       time.Duration `json:"played_ns"` // media time fetched, all viewers together
	Stalls       int           `json:"stalls"`
	Stalled      time.Duration `json:"stalled_ns"`       // all stalls together
	LongestStall time.Duration `json:"longest_stall_ns"` //
	Errors       int           `json:"errors"`           // failed tries: bad status, broken or hanging body, no connection
	Retries      int           `json:"retries"`
	Wrong        int           `json:"wrong"`    // complete bodies with other bytes than the origin's
	GivenUp      int           `json:"given_up"` // segments not got with all tries
	StepsBack    int           `json:"steps_back"`
	Refused      int           `json:"refused"`   // viewers that were not admitted
	Takeovers    int           `json:"takeovers"` // responses that name one in Server-Timing
	Moved        int           `json:"moved"`     // changes to another balancer after a failed connection
	LongestGap   time.Duration `json:"longest_gap_ns"`
	Reason       string        `json:"reason,omitempty"` // of the first refusal
	FirstError   string        `json:"first_error,omitempty"`
	Last         string        `json:"-"` // path of the segment that one viewer has got last, with its token
}

// Add puts another report to this one.
func (r *Report) Add(o Report) {
	r.Viewers += o.Viewers
	r.Segments += o.Segments
	r.Bytes += o.Bytes
	r.Playlists += o.Playlists
	r.Played += o.Played
	r.Stalls += o.Stalls
	r.Stalled += o.Stalled
	r.LongestStall = max(r.LongestStall, o.LongestStall)
	r.Errors += o.Errors
	r.Retries += o.Retries
	r.Wrong += o.Wrong
	r.GivenUp += o.GivenUp
	r.StepsBack += o.StepsBack
	r.Refused += o.Refused
	r.Takeovers += o.Takeovers
	r.Moved += o.Moved
	r.LongestGap = max(r.LongestGap, o.LongestGap)
	if r.Reason == "" {
		r.Reason = o.Reason
	}
	if r.FirstError == "" {
		r.FirstError = o.FirstError
	}
}

// Seamless tells whether nobody saw anything: no stall, no failed try, no wrong
// byte, nothing given up, nobody refused.
func (r *Report) Seamless() bool {
	return r.Stalls == 0 && r.Errors == 0 && r.Wrong == 0 && r.GivenUp == 0 && r.StepsBack == 0 && r.Refused == 0
}

// String is one line for logs.
func (r Report) String() string {
	s := fmt.Sprintf("%d viewers, %d segments, %d bytes: stalls %d (longest %s), errors %d, retries %d, wrong %d, given up %d, steps back %d, refused %d, takeovers %d, longest gap %s",
		r.Viewers, r.Segments, r.Bytes, r.Stalls, r.LongestStall.Round(time.Millisecond), r.Errors, r.Retries, r.Wrong, r.GivenUp, r.StepsBack, r.Refused, r.Takeovers, r.LongestGap.Round(time.Millisecond))
	if r.FirstError != "" {
		s += "; first error: " + r.FirstError
	}
	return s
}
