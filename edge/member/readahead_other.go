//go:build !linux

package member

import "os"

// readAhead is for Linux: elsewhere a file is read when it is asked for.
func readAhead(*os.File, int64, int64) {}
