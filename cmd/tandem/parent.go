package main

import (
	"io"
	"os"

	"tandem/internal/cluster"
)

// watchParent ends this process when the one that started it is gone, however
// that ended: it holds the other end of our standard input. Only a demo and the
// tests start nodes so; a command line that is run by hand is on its own.
func watchParent() {
	if os.Getenv(cluster.PipeEnv) == "" {
		return
	}
	// What this process starts in its turn is given a pipe of its own.
	_ = os.Unsetenv(cluster.PipeEnv)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(1)
	}()
}
