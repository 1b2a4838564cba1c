// Package lb is the balancer: it admits viewers, picks the edge, carries the
// bytes, finishes broken responses from the partner, keeps the placement true
// (it proposes deaths and returns) and answers the operators' API.
//
// Always true:
//   - a response that was begun is finished byte for byte from whoever holds the
//     same strong version, or the viewer's connection is broken visibly;
//   - a balancer never waits for a commit to save the response in its hand;
//   - a death is proposed only on the balancer's own evidence (a failed ping).
//
// May be lost: nothing; sessions are the edges', the placement is Raft's.
// Never done here: the disk is not touched.
package lb
