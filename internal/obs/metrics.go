package obs

import (
	"runtime/debug"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// Registry makes a node's registry, with the process's own figures in it.
func Registry() *prometheus.Registry {
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	version, commit := Build()
	reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "tandem_build_info", Help: "Always 1; the labels say what runs.",
		ConstLabels: prometheus.Labels{"version": version, "commit": commit},
	}, func() float64 { return 1 }))
	return reg
}

// Set by the linker (see Makefile and Dockerfile): Go's own stamp is missing where
// the build has no repository, or its environment switches it off.
var version, commit string

// Build is the version and commit that the binary was built from.
func Build() (string, string) {
	if version != "" && commit != "" {
		return version, commit
	}
	return stamped()
}

// BuildName tells builds apart: the version, and the commit where that does not say it.
func BuildName() string {
	version, commit := Build()
	if short := commit[:min(7, len(commit))]; !strings.Contains(version, short) {
		return version + " (" + short + ")"
	}
	return version
}

// stamped is what Go has noted by itself.
func stamped() (version, commit string) {
	version, commit = "dev", "unknown"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return version, commit
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		version = v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			commit = s.Value
		}
	}
	return version, commit
}
