// Package upstream is a balancer's connections to edges: how they are opened, kept while they
// are idle, and used, by a loop of internal/front, which is told of their events, or by a
// goroutine, which waits for them.
//
// Always true:
//   - a connection is one response's at a time (User), or idle in one pool;
//   - an idle one is given away only if it is of the edge's present generation, and nothing
//     lies in it that nobody asked for;
//   - a read that was interrupted, or ran into its deadline, has lost nothing: waiting can be
//     taken up again;
//   - what a connection may hold, received and not read, is bounded where it is narrow (Pools),
//     and so are the large buffers.
//
// Guarded by: a Pool and the Generations have a mutex each; a connection is its loop's, or the
// goroutine's that has it, but for Interrupt, which another one may call.
//
// May be lost: what was asked on an idle connection that its edge has closed meanwhile; who
// asked sees it by Reused, and asks again.
//
// Never done here: HTTP, what silence means, whom to ask (lb/proxy).
//
// Goroutines: one a connection that is being opened for a goroutine (Dialer.Begin), until Take
// or End.
package upstream
