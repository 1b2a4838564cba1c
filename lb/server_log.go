package lb

import (
	"bytes"
	stdlog "log"

	"github.com/rs/zerolog"
)

// serverLog puts net/http's lines (broken handshakes, malformed requests) into
// the log, where clients alone can't fill it: they are for debugging.
func serverLog(log zerolog.Logger) *stdlog.Logger { return stdlog.New(serverLines{log}, "", 0) }

type serverLines struct{ log zerolog.Logger }

// Write takes one line.
func (s serverLines) Write(b []byte) (int, error) {
	s.log.Debug().Msg(string(bytes.TrimSpace(b)))
	return len(b), nil
}
