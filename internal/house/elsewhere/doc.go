// Package elsewhere sees that every file and test is well typed where it is not
// compiled today: on other systems and processors than the one that runs it.
//
// Always true: all is read from source, and nothing is compiled: `go vet` for one other
// system compiles the standard library and every module anew, at ten times the cost.
// What vet would find besides, `make lint` asks it.
//
// The package holds no code for others and starts no goroutine of its own.
package elsewhere
