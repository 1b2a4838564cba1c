package lb

import (
	"bytes"
	"errors"
	stdlog "log"
	"regexp"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
)

// serverLines are net/http's (broken handshakes, malformed requests): clients alone can't fill
// the log with them, they are for debugging.
type serverLines struct{ log zerolog.Logger }

// Write takes one line.
func (s serverLines) Write(b []byte) (int, error) {
	s.log.Debug().Msg(string(bytes.TrimSpace(b)))
	return len(b), nil
}

// nodesLog is for a server of nodes: of one that ends the handshake because of the
// certificate that it is shown, as a node of another cluster does, operators are told.
func nodesLog(log zerolog.Logger) *stdlog.Logger {
	return stdlog.New(&nodesLines{serverLines{log}, atomic.Int64{}}, "", 0)
}

type nodesLines struct {
	serverLines
	last atomic.Int64 // when it was told, in seconds: strangers fill no log
}

var (
	errOfAnother = errors.New("the caller does not take this cluster's certificate: if it is a node, it was joined to another cluster, or its clock is wrong, as its own log says; join it with a ticket of this one (tandem ticket, tandem join)")
	distrusts    = regexp.MustCompile(`^http: TLS handshake error from (\S+): remote error: tls: bad certificate`)
)

// Write takes one line.
func (n *nodesLines) Write(b []byte) (int, error) {
	if m := distrusts.FindSubmatch(b); m != nil {
		if now, before := time.Now().Unix(), n.last.Load(); now != before && n.last.CompareAndSwap(before, now) {
			n.log.Warn().Err(errOfAnother).Str("from", string(m[1])).Msg("a node was refused")
		}
	}
	return n.serverLines.Write(b)
}
