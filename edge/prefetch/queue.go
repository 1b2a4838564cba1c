package prefetch

import (
	"cmp"
	"container/heap"
)

// queue is a heap of jobs, the earliest deadline first.
type queue []*Job

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	return cmp.Or(q[i].deadline.Compare(q[j].deadline), cmp.Compare(q[i].What.Target, q[j].What.Target)) < 0
}

func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].place, q[j].place = i, j
}

// Push is heap.Interface's.
func (q *queue) Push(x any) {
	j := x.(*Job)
	j.place = len(*q)
	*q = append(*q, j)
}

// Pop is heap.Interface's.
func (q *queue) Pop() any {
	last := len(*q) - 1
	j := (*q)[last]
	(*q)[last], *q = nil, (*q)[:last]
	j.place = -1
	return j
}

var _ heap.Interface = (*queue)(nil)
