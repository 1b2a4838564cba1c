//go:build race

package sim

// slowed: the race detector makes everything ten times slower.
const slowed = true
