package silence

import (
	"context"
	"sync"
	"time"
)

// Every calls f at the interval until ctx ends, and waits for what f let run beside it.
func Every(ctx context.Context, interval time.Duration, f func(under *sync.WaitGroup)) error {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	var under sync.WaitGroup
	defer under.Wait()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			f(&under)
		}
	}
}
