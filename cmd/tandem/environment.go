package main

import (
	"os"
	"slices"
	"strings"

	"tandem/internal/setting"
)

// shared are the settings that all nodes, or all commands, of a machine may be given at
// once: TANDEM_SECRET_FILE counts where TANDEM_EDGE_SECRET_FILE is not set.
var shared = []string{"SECRET_FILE", "LOG_LEVEL", "ADMIN", "TOKEN_FILE", "OPERATORS_FILE", "CA"}

func environment(name string) string {
	if text := os.Getenv(name); text != "" {
		return text
	}
	_, setting, _ := strings.Cut(strings.TrimPrefix(name, "TANDEM_"), "_") // behind the command: ADVERTISE_ADMIN is not ADMIN
	if slices.Contains(shared, setting) {
		return os.Getenv("TANDEM_" + setting)
	}
	return ""
}

// strict makes a variable of a role that no setting has an error: by TANDEM_LB_JION a
// balancer would begin a cluster of its own.
func strict(set *setting.Set) {
	set.Environ, set.Also = os.Environ, []string{recoverEnv, asideEnv}
	for _, name := range shared {
		set.Also = append(set.Also, "TANDEM_"+name)
	}
}
