//go:build !linux

package front

func cork(uintptr)  {}
func queueMuch(int) {}
