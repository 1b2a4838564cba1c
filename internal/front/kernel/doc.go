// Package kernel is what event loops ask of the system: to wait for many descriptors
// (Poller), to move bytes between sockets, files and pipes without waiting, and what it
// knows of a connection.
//
// Always true: no call waits but Poller.Wait; what the system can't do here is said by an
// error, or answered as if nothing were known.
//
// Two ways: Linux (epoll, splice, sendfile, TCP_INFO), and what every Unix has (poll),
// which Linux tests with the tag portable. A Poller, a Pipe and a descriptor are their
// loop's alone, Poller.Wake aside. No goroutines.
//
// Never done here: whose a descriptor is, and what the bytes mean (internal/front).
package kernel

// Wanted calls tell for every descriptor that is watched, in one of its lives, with what
// it has to be told of. Only where there is no epoll it is asked.
type Wanted func(tell func(fd int, life int32, in, out bool))
