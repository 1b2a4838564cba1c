package setting

import (
	"slices"
	"strings"
)

// Meant is what an error says behind a word that is none of names, where one of them is
// near enough to be a slip of the hand away: "; did you mean status?". Else it is empty.
func Meant(word string, names []string) string {
	typed := strings.ToLower(strings.ReplaceAll(word, "_", "-"))
	best, least, begun := "", 2+min(len(typed)/3, 1)+min(len(typed)/9, 1), 0
	for _, name := range names {
		if len(typed) > 2 && strings.HasPrefix(name, typed) {
			begun++ // it was not written to its end
		}
		if d := slips(typed, name); d < least && d < len(typed) {
			best, least = name, d
		}
	}
	if begun == 1 {
		best = names[slices.IndexFunc(names, func(name string) bool { return strings.HasPrefix(name, typed) })]
	}
	if best == "" {
		return ""
	}
	return "; did you mean " + best + "?"
}

// slips is how many letters are missing, too many, wrong, or have changed places with the
// next one (the optimal string alignment distance).
func slips(a, b string) int {
	before, last, now := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		now[0] = i
		for j := 1; j <= len(b); j++ {
			wrong := last[j-1]
			if a[i-1] != b[j-1] {
				wrong++
			}
			now[j] = min(wrong, last[j]+1, now[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				now[j] = min(now[j], before[j-2]+1)
			}
		}
		before, last, now = last, now, before
	}
	return last[len(b)]
}
