package run

import (
	"context"
	"fmt"
)

// Part is one loop of a process. Run returns when ctx ends, or earlier with an
// error; a part that returns early without one ends the group as well.
type Part struct {
	Name string
	Run  func(context.Context) error
}

type ended struct {
	part int
	err  error
}

// Group runs the parts until ctx ends or one of them does.
func Group(ctx context.Context, parts ...Part) error {
	stops := make([]context.CancelFunc, len(parts))
	done := make(chan ended, len(parts))
	base := context.WithoutCancel(ctx)
	for i, part := range parts {
		child, stop := context.WithCancel(base)
		stops[i] = stop
		go func() { done <- ended{i, part.Run(child)} }()
	}
	var first error
	over := make([]bool, len(parts))
	note := func(e ended) {
		over[e.part] = true
		if e.err != nil && first == nil {
			first = fmt.Errorf("%s: %w", parts[e.part].Name, e.err)
		}
	}
	if len(parts) > 0 {
		select {
		case <-ctx.Done():
		case e := <-done:
			note(e)
		}
	}
	for i := len(parts) - 1; i >= 0; i-- {
		stops[i]()
		for !over[i] {
			note(<-done)
		}
	}
	return first
}
