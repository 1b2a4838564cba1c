package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"tandem/internal/wire"
)

// nodeView follows the placement of the balancer in this process by the long
// poll that edges use, called and not sent.
type nodeView struct {
	balancer http.Handler
	secret   wire.Secret
	last     atomic.Pointer[wire.Placement]
}

// placement is the newest one seen; never nil, never changed.
func (v *nodeView) placement() *wire.Placement {
	if p := v.last.Load(); p != nil {
		return p
	}
	return new(wire.Placement).Index()
}

// run polls until ctx ends.
func (v *nodeView) run(ctx context.Context) error {
	for ctx.Err() == nil {
		if !v.poll(ctx) {
			sleep(ctx, 50*time.Millisecond)
		}
	}
	return nil
}

func (v *nodeView) poll(ctx context.Context) bool {
	url := wire.PathPlacement + "?after=" + strconv.FormatUint(v.placement().Version, 10)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	req.RequestURI, req.RemoteAddr = url, "127.0.0.1:0"
	req.Header.Set(wire.HeaderAuth, v.secret.Bearer())
	w := &memoryWriter{header: http.Header{}}
	v.balancer.ServeHTTP(w, req)
	if w.status == http.StatusNoContent {
		return true
	}
	p := &wire.Placement{}
	if w.status != http.StatusOK || json.Unmarshal(w.body.Bytes(), p) != nil {
		return false
	}
	v.last.Store(p.Index())
	return true
}

// memoryWriter keeps an answer that is not sent anywhere.
type memoryWriter struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header is the answer's.
func (w *memoryWriter) Header() http.Header { return w.header }

// WriteHeader keeps the first final status.
func (w *memoryWriter) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status = status
	}
}

// Write keeps the body.
func (w *memoryWriter) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(b)
}

var _ http.ResponseWriter = (*memoryWriter)(nil)
