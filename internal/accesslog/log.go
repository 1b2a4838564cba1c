package accesslog

import (
	"context"
	"hash/fnv"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"tandem/internal/front"
	"tandem/internal/h1"
	"tandem/internal/wire"
)

// Deps are what a log is given.
type Deps struct {
	Node    string
	Session func(token string) string // what operators call a session; "" for a token that opens nothing
	Behind  bool                      // requests come from balancers, which say who the viewer is
	Logger  zerolog.Logger            // for what becomes of the log itself
}

// Log writes requests. A nil one writes none.
type Log struct {
	deps   Deps
	sample uint32
	sink   *sink
	again  chan struct{}
}

// Open opens the log; nil without a file.
func Open(cfg Config, deps Deps) (*Log, error) {
	if cfg.File == "" {
		return nil, nil
	}
	s, err := openSink(cfg.File)
	if err != nil {
		return nil, err
	}
	return &Log{deps: deps, sample: uint32(cfg.Sample), sink: s, again: make(chan struct{}, 1)}, nil
}

// Run writes what is gathered until ctx ends.
func (l *Log) Run(ctx context.Context) error {
	l.sink.run(ctx, l.again, func(dropped int64, err error) {
		l.deps.Logger.Warn().AnErr("error", err).Int64("dropped", dropped).Msg("the access log is not complete")
	})
	return nil
}

// Reopen opens the file anew, soon.
func (l *Log) Reopen() {
	if l == nil {
		return
	}
	select {
	case l.again <- struct{}{}:
	default: // that is to be done already
	}
}

// wants tells whether a request is written: by its session, else by the client.
func (l *Log) wants(target, client string) bool {
	if strings.HasPrefix(target, wire.Internal) {
		return false
	}
	if l.sample >= 1000 {
		return true
	}
	of := client
	if token, _, ok := wire.SplitPath(target); ok {
		of = token
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(of)) // never fails
	return h.Sum32()%1000 < l.sample
}

// Quick stands before what answers on loops: what is written goes to the Handler.
func (l *Log) Quick(next func(*front.Loop) front.Quick) func(*front.Loop) front.Quick {
	if l == nil {
		return next
	}
	return func(loop *front.Loop) front.Quick { return quick{next(loop), l} }
}

type quick struct {
	front.Quick
	log *Log
}

// Serve is a front.Quick's.
func (q quick) Serve(c *front.Conn, h *h1.Request) bool {
	client := ""
	if q.log.sample < 1000 {
		client = q.log.clientOf(c.Remote().Addr().String(), fieldOf(h, wire.HeaderViewer))
	}
	return !q.log.wants(h.Target, client) && q.Quick.Serve(c, h)
}

func fieldOf(h *h1.Request, name string) string {
	for _, f := range h.Fields {
		if strings.EqualFold(f.Name, name) {
			return f.Value
		}
	}
	return ""
}

// clientOf is the viewer's address, without a port.
func (l *Log) clientOf(peer, viewer string) string {
	if l.deps.Behind && viewer != "" {
		return viewer
	}
	if host, _, err := net.SplitHostPort(peer); err == nil {
		return host
	}
	return peer
}

// Handler stands before a handler for viewers.
func (l *Log) Handler(next http.Handler) http.Handler {
	if l == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		target := h1.Target(r)
		client := l.clientOf(r.RemoteAddr, r.Header.Get(wire.HeaderViewer))
		if !l.wants(target, client) {
			next.ServeHTTP(w, r)
			return
		}
		began := time.Now()
		seen := &answer{ResponseWriter: w, began: began}
		asked := l.ask(r, target, client) // before the handler changes the request
		ended := "broken"
		defer func() { l.sink.add(l.line(asked, seen, ended, time.Since(began))) }()
		next.ServeHTTP(seen.as(), r)
		if ended = "whole"; r.Context().Err() != nil {
			ended = "client_left"
		}
	})
}
