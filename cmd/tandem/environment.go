package main

import (
	"os"
	"strings"
)

// shared are the settings that all nodes of a machine may be given at once:
// TANDEM_SECRET_FILE counts where TANDEM_EDGE_SECRET_FILE is not set.
var shared = []string{"_SECRET_FILE", "_LOG_LEVEL", "_ADMIN", "_TOKEN_FILE", "_OPERATORS_FILE"}

func environment(name string) string {
	if text := os.Getenv(name); text != "" {
		return text
	}
	for _, end := range shared {
		if strings.HasSuffix(name, end) {
			return os.Getenv("TANDEM" + end)
		}
	}
	return ""
}
