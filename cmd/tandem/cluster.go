package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tandem/internal/setting"
	"tandem/internal/wire"
	"tandem/raftfsm/placement"
)

// recoverLimit is how long a balancer may take to come back alone.
const recoverLimit = 30 * time.Second

// clusterOrder is the settings of `tandem cluster`.
type clusterOrder struct {
	client
	yes, force        bool
	raft, http, other string
	first             initOrder
}

func clusterCommand() command {
	o := &clusterOrder{}
	return command{
		name: "cluster", args: "init | authority STEP | backup FILE|- | restore FILE|- | recover | remove-balancer NAME | move NAME",
		summary: "the balancers as a whole: backups, and the ways back from the loss of disks",
		about: "init makes the authority that certifies the cluster's nodes, and the first balancer's identity.\n" +
			"authority new, use and drop change it while everything runs. backup writes the\n" +
			"placement, what has happened and the cluster's keys: keep it as you keep the secret. restore makes a backup the state of a running cluster. recover is for a majority of\n" +
			"balancers that is lost for good: one that still has its disk goes on alone, and what the others\n" +
			"have on theirs counts no longer. remove-balancer takes the vote of one away that won't come back. move tells\n" +
			"the others where one is that can't tell them itself.",
		example: "tandem cluster backup tandem.backup\ntandem cluster recover --admin http://10.0.0.1:9080 --yes",
		rows: func() []setting.Row {
			return append(append(
				o.client.rows(),
				setting.Bool(&o.yes, "yes", false, "Do it: restore and recover only say otherwise what they would do."),
				setting.Bool(&o.force, "force", false, "authority drop: also where it shuts nodes out that have no certificate of the new root. restore: also a backup in which none of this cluster's edges is."),
				setting.String(&o.raft, "raft", "", "move: the balancer's new Raft address, HOST:PORT."),
				setting.String(&o.http, "http", "", "move: the base URL of its viewers' listener."),
				setting.String(&o.other, "admin-url", "", "move: the base URL of its admin listener."),
			), o.first.rows()...)
		},
		run: func(ctx context.Context, args []string, out io.Writer) error {
			switch {
			case len(args) == 1 && args[0] == "init":
				return o.first.begin(out)
			case len(args) == 2 && args[0] == "authority":
				return o.authorityStep(ctx, args[1], out)
			case len(args) == 2 && args[0] == "backup":
				return o.backup(ctx, args[1], out)
			case len(args) == 2 && args[0] == "restore":
				return o.restore(ctx, args[1], out)
			case len(args) == 1 && args[0] == "recover":
				return o.recover(ctx, out)
			case len(args) == 2 && args[0] == "remove-balancer" && args[1] != "":
				return o.remove(ctx, args[1], out)
			case len(args) == 2 && args[0] == "move" && args[1] != "":
				return o.move(ctx, args[1], out)
			}
			return setting.Usage("cluster: want init, authority STEP, backup FILE, restore FILE, recover, remove-balancer NAME or move NAME (tandem cluster --help)")
		},
	}
}

func (o *clusterOrder) backup(ctx context.Context, path string, out io.Writer) error {
	var text []byte
	if err := o.call(ctx, http.MethodGet, "/api/v1/cluster/backup", nil, &text); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	if path == "-" {
		_, err := out.Write(text)
		return err
	}
	if err := replace(path, text); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return say(out, "%s: %s; it holds the cluster's keys", path, size(int64(len(text))))
}

// replace writes a file of secrets anew, whole and on the disk, or leaves what there was.
// What is no file, a pipe or a device, is written to. A link stays, and what it leads to is
// the file: /dev/stdout is one, also where that leads to a file.
func replace(path string, text []byte) error {
	if at, err := filepath.EvalSymlinks(path); err == nil {
		path = at
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = f.Write(text)
		return cmp.Or(err, f.Close())
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // for its owner alone
	if err != nil {
		var at *os.PathError
		if errors.As(err, &at) { // of a name that nobody has given
			return fmt.Errorf("%s can't be written: %w", path, at.Err)
		}
		return err
	}
	_, err = f.Write(text)
	if err = cmp.Or(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

func (o *clusterOrder) restore(ctx context.Context, path string, out io.Writer) error {
	text, state, err := backupOf(path, os.Stdin)
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	var s wire.Status
	if err := o.call(ctx, http.MethodGet, "/api/v1/status", nil, &s); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	p := state.Placement()
	if !o.force && foreign(p, &s) {
		return setting.Usage("restore: %s is of cluster %s, with other edges: none of the %d here is in it, and they would be given up; --force restores it all the same", path, p.Cluster, len(s.Edges))
	}
	if !o.yes {
		return setting.Usage("restore: %s is of cluster %s and holds placement %d: %s, %s, %s; it would replace placement %d: %s, %s; --yes does it",
			path, p.Cluster, p.Version, plural(p.Streams.Len(), "stream"), plural(len(p.Edges), "edge"), plural(len(p.Balancers), "balancer"), s.Version, plural(s.Streams, "stream"), plural(len(s.Edges), "edge"))
	}
	var did struct {
		Version uint64 `json:"version"`
	}
	o.limit = 70 * time.Second // it takes as long as the largest backup does
	if err := o.call(ctx, http.MethodPost, "/api/v1/cluster/restore", text, &did); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	_, err = fmt.Fprintf(out, "restored; the placement is at version %d\n", did.Version)
	return err
}

// backupOf is the backup in a file; with "-" that of in. What is none is read no further than
// that shows.
func backupOf(path string, in io.Reader) ([]byte, *placement.State, error) {
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, nil, err
		}
		defer f.Close()
		in = f
	}
	var text bytes.Buffer
	state, err := placement.ReadState(io.TeeReader(in, &text))
	if err != nil {
		return nil, nil, fmt.Errorf("%s is no backup that can be restored: %w", path, err)
	}
	return text.Bytes(), state, nil
}

// foreign tells whether none of the edges that are here is in a backup, where both have
// some: it is of another cluster then, or all machines are others since.
func foreign(backup *wire.Placement, now *wire.Status) bool {
	for i := range now.Edges {
		own := &now.Edges[i]
		if slices.ContainsFunc(backup.Edges, func(e wire.Edge) bool { return e.Name == own.Name && e.HTTP == own.HTTP }) {
			return false
		}
	}
	return len(now.Edges) > 0 && len(backup.Edges) > 0
}

// recover asks every balancer, so that the one with the newest placement goes on.
func (o *clusterOrder) recover(ctx context.Context, out io.Writer) error {
	bases, err := o.addresses()
	if err != nil {
		return err
	}
	var best wire.Status
	at := ""
	for _, base := range bases {
		var s wire.Status
		if o.ask(ctx, http.MethodGet, strings.TrimRight(base, "/")+"/api/v1/status", nil, &s) != nil {
			continue
		}
		if s.Leader != "" {
			return fmt.Errorf("recover: %s leads the balancers: there is nothing to recover", s.Leader)
		}
		if at == "" || s.Version > best.Version {
			best, at = s, strings.TrimRight(base, "/")
		}
	}
	if at == "" {
		return errors.New("recover: no balancer answers (--admin URL names one); one has to run with its disk, else restore a backup into a new cluster")
	}
	if !o.yes {
		return setting.Usage("recover: %s would go on alone with placement %d (%s, %s), the newest that answers; what the other balancers have on their disks counts no longer; --yes does it",
			best.Node, best.Version, plural(len(best.Edges), "edge"), plural(best.Streams, "stream"))
	}
	order := map[string]string{"name": best.Node}
	if err := o.ask(ctx, http.MethodPost, at+"/api/v1/cluster/recover", order, nil); err != nil {
		return fmt.Errorf("recover: %w", err)
	}
	for end := time.Now().Add(recoverLimit); time.Now().Before(end) && ctx.Err() == nil; time.Sleep(100 * time.Millisecond) {
		var s wire.Status
		if o.ask(ctx, http.MethodGet, at+"/api/v1/status", nil, &s) == nil && s.Leader == best.Node {
			return say(out, "%s leads, alone, with placement %d. Start the other balancers: what is on their disks is put aside, and they are let in anew.", s.Leader, s.Version)
		}
	}
	return fmt.Errorf("recover: %s does not lead after %s; its log says why", best.Node, recoverLimit)
}

func (o *clusterOrder) remove(ctx context.Context, name string, out io.Writer) error {
	if err := o.call(ctx, http.MethodDelete, "/api/v1/balancers/"+url.PathEscape(name), nil, nil); err != nil {
		return fmt.Errorf("remove-balancer %s: %w", name, err)
	}
	return say(out, "%s is out of the cluster; where it still runs it serves whom it has, and is not ready: stop it", name)
}

func (o *clusterOrder) move(ctx context.Context, name string, out io.Writer) error {
	to := map[string]string{"raft": o.raft, "http": o.http, "admin": o.other}
	if o.raft+o.http+o.other == "" {
		return setting.Usage("move %s: give at least one of --raft HOST:PORT, --http URL, --admin-url URL", name)
	}
	if err := o.call(ctx, http.MethodPost, "/api/v1/balancers/"+url.PathEscape(name)+"/move", to, nil); err != nil {
		return fmt.Errorf("move %s: %w", name, err)
	}
	return say(out, "%s: the others look for it there", name)
}
