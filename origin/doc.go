// Package origin holds every stream: it serves stored ones from a directory,
// takes live ones in by HTTP PUT, loops a stored one as a live channel, carries
// a built-in sample, and sends an object to another edge or to a multicast group
// when the edge that asks says so (claims 6 and 7).
//
// Always true:
//   - a reader gets one version of an object, whole, or a connection that breaks;
//     who asks for what is being pushed follows that push to its end (growing.go,
//     origin/ingest);
//   - what may be pushed over is never said to last: caches ask by its validator
//     after a second (takein.go);
//   - the ETag of an object is made of its bytes, so it is the same after a
//     restart and at every origin that has them (validator.go);
//   - a looped channel is a function of the clock alone, counted from the Unix
//     epoch: a restart, or another origin, gives the same playlist for the same
//     moment, and a segment's URI never stands for other bytes (timeline.go);
//   - nothing outside the media directory is read or written (os.Root), nothing
//     whose name begins with a dot is shown;
//   - what goes to a group goes once, at most at the configured rate, and is the
//     version that the head of the answer named (multicast.go);
//   - what is kept in memory is bounded: facts about objects, counts, deliveries,
//     pushes that run.
//
// May be lost: a push that has not ended, counts, deliveries that wait; the
// edges fill what they lack by themselves.
//
// Never done here: knowing sessions, edges or the placement. What edges are to hear (tell.go)
// a balancer tells them.
//
// Goroutines: Run starts the delivery workers, the sender to groups, who tells of pushes and
// who follows the file of publishing points, and returns when they have ended.
// Listeners belong to the caller.
package origin
