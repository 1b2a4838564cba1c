// Package renewal gets MPDs anew whose viewers ask for them no more, because they follow
// them by patches (ISO/IEC 23009-1 section 5.15).
//
// Always true:
//   - one MPD is asked for once at a time, and once a second at most, whoever wants it;
//   - who wants it is called behind that, whether it could be got or not.
//
// Guards: Renewals.mu. May be lost: what does not fit; the next segment wants the same.
//
// Goroutines: Run starts a child for each that is wanted, and returns when all have ended.
package renewal
