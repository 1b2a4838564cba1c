package manifest

import (
	"strconv"
	"strings"

	"tandem/edge/rules"
)

// Accepted is the form that a request's Accept-Encoding asks for first (RFC 9110
// section 12.5.3); of those that it likes equally the one that costs
// least for what it saves.
func Accepted(h rules.Fields) Coding {
	best, quality := Identity, 0.0
	lines := h.Values("Accept-Encoding")
	for c := Identity + 1; c < codings; c++ {
		if q := qualityOf(lines, c.String()); q > 0 && q >= quality {
			best, quality = c, q
		}
	}
	return best
}

// qualityOf is how much a coding is liked: 0 when it is not named, or refused.
func qualityOf(lines []string, coding string) float64 {
	any := 0.0
	for _, line := range lines {
		for member := range strings.SplitSeq(line, ",") {
			name, weight, _ := strings.Cut(member, ";")
			q := 1.0
			if text, ok := strings.CutPrefix(strings.ToLower(strings.TrimSpace(weight)), "q="); ok {
				f, err := strconv.ParseFloat(text, 64)
				if err != nil || !(f >= 0 && f <= 1) {
					f = 0
				}
				q = f
			}
			switch name = strings.ToLower(strings.TrimSpace(name)); name {
			case coding, "x-" + coding:
				return q
			case "*":
				any = q
			}
		}
	}
	return any
}
