package main

import (
	"errors"
	"fmt"
	"time"

	"tandem/internal/accesslog"
	"tandem/internal/run"
	"tandem/internal/setting"
	"tandem/internal/wire"

	"github.com/rs/zerolog"
)

// openAccess opens the log of viewers' requests; nil when none is wanted. Sessions
// are called there what `tandem sessions` calls them.
func openAccess(cfg accesslog.Config, node string, keys *wire.KeyRing, behind bool, log zerolog.Logger) (*accesslog.Log, []run.Part, error) {
	l, err := accesslog.Open(cfg, accesslog.Deps{Node: node, Behind: behind, Logger: log, Session: func(token string) string {
		t, err := keys.Verify(token, time.Now())
		if err != nil && !errors.Is(err, wire.ErrTokenExpired) {
			return ""
		}
		return fmt.Sprintf("%d-%d-%d", t.Pair, t.Slot, t.Generation)
	}})
	if err != nil {
		return nil, nil, setting.Wrong(err)
	}
	if l == nil {
		return nil, nil, nil
	}
	return l, []run.Part{{Name: "access log", Run: l.Run}}, nil
}
