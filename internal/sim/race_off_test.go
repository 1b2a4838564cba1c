//go:build !race

package sim

const slowed = false
