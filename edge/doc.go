// Package edge delivers media from its segment store, as a member of the ring or,
// without balancers, as a plain caching reverse proxy with the same store and the
// same rules, and no sessions; then the viewer's own fields go along to the origin,
// Vary is followed, and other methods than GET and HEAD go through.
//
// Its rooms: edge/rules (what HTTP allows), edge/fetch (how an object is come by),
// edge/member (tables, notices, takeover, recovery), edge/multicast. Here: settings,
// routes, and what is written to a viewer.
//
// Always true:
//   - a body is complete and of the announced length, or the connection breaks
//     (truth 4);
//   - what an answer says is judged in one place (rules.Of), what a request gets for
//     an object in one (rules.PlanFor, head), on a loop and in a goroutine alike;
//   - nobody is given an answer that is for another one alone.
//
// Hits are answered on the loops of internal/front (quick), all else in goroutines
// (serve).
//
// Guards: plainLists has its own mutex; the rest is set before Run.
//
// Never done here: deciding that an edge is dead (raftfsm), choosing an edge for
// a viewer (lb), touching files (segstore).
//
// Goroutines: Run starts those of the rooms and returns when all have ended.
package edge
