package raftfsm

import (
	"bytes"
	"io"
	"strings"

	"github.com/rs/zerolog"
)

// lines turns the lines that hashicorp/raft logs into ours. What it calls an
// error, a peer that does not answer, is what it is there to survive: a warning.
type lines struct{ to zerolog.Logger }

func (l lines) Write(b []byte) (int, error) {
	for line := range bytes.Lines(b) {
		text := strings.TrimSpace(string(line))
		level := zerolog.DebugLevel
		if _, rest, ok := strings.Cut(text, "["); ok {
			if name, message, ok := strings.Cut(rest, "]"); ok {
				if name == "WARN" || name == "ERROR" {
					level = zerolog.WarnLevel
				}
				text = strings.TrimSpace(message)
			}
		}
		if text != "" {
			l.to.WithLevel(level).Msg(text)
		}
	}
	return len(b), nil
}

var _ io.Writer = lines{}
