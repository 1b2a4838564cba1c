package raftfsm

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tandem/raftfsm/placement"
)

// BenchmarkPlacing is openings of new streams as the replicas see them: three nodes that
// sync their disks, and as many proposers as balancers have viewers waiting. First into
// an empty placement, then beside 90,000 streams.
//
//	go test ./raftfsm -run xx -bench Placing -benchtime 5000x
func BenchmarkPlacing(b *testing.B) {
	c := &cluster{t: b, dir: b.TempDir(), nodes: map[string]*Node{}, adjust: func(c *Config) { c.noSync = false }}
	c.open(3)
	leader := c.leader()
	for i := 1; i <= 4; i++ {
		proposed(b, leader, up(fmt.Sprintf("e%d", i), 1))
	}
	var next atomic.Int64
	place := func(b *testing.B, n int) {
		var under sync.WaitGroup
		left := atomic.Int64{}
		left.Store(int64(n))
		for range 128 {
			under.Go(func() {
				for left.Add(-1) >= 0 {
					i := next.Add(1)
					proposed(b, leader, placement.Command{Kind: placement.Place, Stream: fmt.Sprintf("/vod/library-%03d/title-%07d/", i%100, i), Pair: 1, ID: NewID()})
				}
			})
		}
		under.Wait()
	}
	for _, beside := range []int{0, 90_000} {
		b.Run(fmt.Sprintf("beside_%d", beside), func(b *testing.B) {
			place(b, max(beside-int(next.Load()), 0))
			b.ResetTimer()
			began := time.Now()
			place(b, b.N)
			b.ReportMetric(float64(b.N)/time.Since(began).Seconds(), "streams/s")
		})
	}
}

func proposed(b *testing.B, n *Node, c placement.Command) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if r, err := n.Propose(ctx, c); err != nil || r.Err != "" {
		b.Fatal(err, r.Err)
	}
}
