// Package run starts the parts of a process in order and stops them in reverse
// order; the first error wins.
//
// Always true: Group returns only when every part that was started has returned;
// a part is asked to stop only after all parts that were started after it have
// ended, so that nothing loses what it stands on.
//
// Goroutines: one for each part, which has returned when Group does.
package run
