package edge

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"tandem/internal/wire"
)

// An edge says which streams its store holds, not which ones the placement wishes: it
// holds none before it has got anything, and after a purge.
func TestWhatIsStoredIsToldByTheStore(t *testing.T) {
	o := newOrigin(t)
	b, edges := startRing(t, 2, o)
	b.place("/v/y/", 2)
	followed(t, b, edges...)
	says := func(want ...string) {
		t.Helper()
		for _, e := range edges {
			eventually(t, "it says what it holds", func() bool {
				r := e.member.Report(true)
				return r.Streams != nil && slices.Equal(r.Streams, want)
			})
		}
	}
	says()
	get(t, edges[0].url+"/v/x/1.m4s")
	says("/v/x/")
	get(t, edges[1].url+"/v/y/1.m4s")
	get(t, edges[1].url+"/elsewhere/1.m4s") // of no stream
	says("/v/x/", "/v/y/")
	edges[0].fetch.Purge(wire.Purge{Prefix: "/v/x/1.m4s", Exact: true})
	edges[1].fetch.Purge(wire.Purge{Prefix: "/v/x/"})
	says("/v/y/")
	for _, e := range edges {
		e.fetch.Purge(wire.Purge{Prefix: "/"})
	}
	says()
}

// An edge whose disk takes nothing gives all it is asked for, and says why it keeps
// nothing: to balancers and in its metrics.
func TestDiskThatTakesNothingIsTold(t *testing.T) {
	const gauge = "tandem_edge_store_unwritable"
	e := startEdge(t, Config{Origin: newOrigin(t).URL, Data: t.TempDir()})
	if r := e.member.Report(false); r.Unwritable != "" || metricOf(t, e, gauge) != 0 {
		t.Errorf("at first: %q", r.Unwritable)
	}
	objects := filepath.Join(e.cfg.Data, "objects")
	if err := errors.Join(os.RemoveAll(objects), os.WriteFile(objects, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if resp, body := get(t, e.url+"/v/x/1.m4s"); resp.StatusCode != http.StatusOK || !bytes.Equal(body, bodyOf("/v/x/1.m4s", len(body))) || len(body) == 0 {
		t.Errorf("%s, %d bytes", resp.Status, len(body))
	}
	if r := e.member.Report(false); r.Unwritable != "not a directory" || metricOf(t, e, gauge) != 1 {
		t.Errorf("told: %q", r.Unwritable)
	}
}

// An edge whose directory was removed, or has something else in its place, serves on and says
// that it is not ready: what it keeps from then on is lost with its process.
func TestADirectoryThatIsGoneIsTold(t *testing.T) {
	for what, after := range map[string]func(dir string) error{
		"removed": func(string) error { return nil },
		"replaced": func(dir string) error {
			return errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(filepath.Join(dir, "lock"), nil, 0o600))
		},
	} {
		e := startEdge(t, Config{Origin: newOrigin(t).URL, Data: filepath.Join(t.TempDir(), "store")})
		get(t, e.url+"/v/x/1.m4s")
		if err := errors.Join(e.store.Durable(t.Context()), e.ready()); err != nil {
			t.Errorf("%s: at first: %v", what, err)
		}
		if err := errors.Join(os.RemoveAll(e.cfg.Data), after(e.cfg.Data)); err != nil {
			t.Fatal(err)
		}
		eventually(t, what+": it is not ready", func() bool { return e.ready() != nil })
		if err := e.ready(); err == nil || !strings.Contains(err.Error(), "start this edge again") {
			t.Errorf("%s: %v", what, err)
		}
		if r := e.member.Report(false); r.Unwritable != "no such file or directory" {
			t.Errorf("%s: told: %q", what, r.Unwritable)
		}
		for _, path := range []string{"/v/x/1.m4s", "/v/x/2.m4s"} {
			if resp, body := get(t, e.url+path); resp.StatusCode != http.StatusOK || len(body) == 0 || !bytes.Equal(body, bodyOf(path, len(body))) {
				t.Errorf("%s: %s: %s, %d bytes", what, path, resp.Status, len(body))
			}
		}
	}
}

// A body of known length that the disk refuses under way breaks once: who asks again
// gets it past the store, though the disk is no better.
func TestBodyThatTheDiskRefusesBreaksOnce(t *testing.T) {
	var refuses atomic.Int64
	e := startEdge(t, Config{Origin: newOrigin(t).URL, storeFault: func(point string) error {
		if point != "write" {
			return nil
		}
		refuses.Add(1)
		return unix.EIO
	}})
	if resp, err := http.Get(e.url + "/v/x/1.m4s"); err == nil {
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
	for range 2 {
		resp, body := get(t, e.url+"/v/x/1.m4s")
		if resp.StatusCode != http.StatusOK || len(body) == 0 || !bytes.Equal(body, bodyOf("/v/x/1.m4s", len(body))) {
			t.Fatalf("%s, %d bytes", resp.Status, len(body))
		}
	}
	if n := refuses.Load(); n != 1 {
		t.Errorf("the disk was asked %d times", n)
	}
}
