package budget

import "syscall"

// leastConnections is taken however few descriptors there are.
const leastConnections = 16

// Fitting is how many connections a process takes that was told most, and may have so many
// descriptors: a quarter is for files, aside are for nodes, operators and its own sockets,
// and each connection needs per. What was taken beyond would have none left for what is
// asked of others for it.
func Fitting(most, per, aside int, descriptors uint64) int {
	left := int(min(descriptors, 1<<40))*3/4 - aside
	return min(most, max(leastConnections, left/per))
}

// FittingEach is how many connections one client may have, told each, of a process that was
// told most and takes fits: as large a part of them, but an eighth, and but 64 or three
// quarters of those that there are, so that an address of several viewers is served by a
// small one too.
func FittingEach(each, most, fits int) int {
	if fits >= most {
		return each
	}
	return min(each, max(int(int64(each)*int64(fits)/int64(most)), fits/partOfRest, min(shareLeast, fits*3/4)))
}

// Descriptors is how many descriptors this process may have.
func Descriptors() uint64 {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return 1 << 40 // it can't be known: no reason to take fewer
	}
	return uint64(limit.Cur)
}
