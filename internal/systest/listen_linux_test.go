package systest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tandem/bench/lab"
	"tandem/internal/cluster"
	"tandem/internal/identity"
	"tandem/internal/operator"
	"tandem/internal/player"
	"tandem/internal/wire"
)

// listenEnv is how long is listened: `make listen`; mediaEnv how media goes (--node-media).
const (
	listenEnv = "TANDEM_LISTEN"
	mediaEnv  = "TANDEM_LISTEN_MEDIA"
)

// Somebody hears every frame between nodes that have names, and between them and their
// operators, under load, with an edge that dies and keys that change: all of it is TLS or
// a sealed datagram; no address of a viewer's session, no key and no credential is in it,
// no operator's token and no login; and the viewers lose nothing.
//
// With node-media plain bodies of media are in clear between balancers and edges, and all
// else holds.
//
//	TANDEM_LISTEN=60s go test ./internal/systest -run TestAListenerLearnsNothing -v
func TestAListenerLearnsNothing(t *testing.T) {
	length, err := time.ParseDuration(os.Getenv(listenEnv))
	if err != nil {
		t.Skipf("%s says how long, like 60s: make listen", listenEnv)
	}
	if os.Geteuid() != 0 {
		asRoot(t)
		return
	}
	t.Setenv(listenEnv, "") // the nodes would take it for a setting that is written wrongly
	n := layListened(t)
	rec := record(t, n.lab, n.lab.Hosts[networkViewer].IP) // before anybody speaks
	n.raise()
	n.await("four edges are up", 30*time.Second, func(s *wire.Status) bool { return len(s.Edges) == len(theEdges) && cluster.AllUp(s) })
	report := make(chan []byte)
	go func() {
		cmd := n.lab.Hosts[networkViewer].Command(t.Context(), n.binary, "bench", "--json", "--viewers", "60", "--for", length.String(), "--buffer", "6s",
			"--url", n.base("lb-1")+stored, "--origin", n.base("origin-1"))
		var words bytes.Buffer
		cmd.Stderr = &words
		out, err := cmd.Output()
		if err != nil && !json.Valid(out) { // else it says what viewers saw: what counts here is below
			out = fmt.Appendf(nil, "%v: %s%s", err, out, words.Bytes())
		}
		report <- out
	}()
	var said []byte
	logins := map[string][]byte{}
	for i, step := range []func(){
		func() { n.login("lb-1", logins); n.order("keys", "rotate", "tokens") }, func() { n.login("edge-3", logins); n.order("keys", "rotate", "datagrams") },
		func() { n.lab.Hosts["edge-2"].Signal(syscall.SIGKILL) },
	} {
		select {
		case said = <-report:
			t.Fatalf("the viewers ended before step %d: %s", i, said)
		case <-time.After(length / 4):
			step()
		}
	}
	said = <-report
	heard := rec.end()
	var sum player.Report
	if err := json.Unmarshal(said, &sum); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	t.Logf("60 viewers for %s: %s", length, sum)
	if sum.Errors+sum.Wrong+sum.Refused+sum.GivenUp > 0 {
		t.Errorf("the viewers: %s", said)
	}
	secrets := n.secrets()
	maps.Copy(secrets, logins)
	heard.judge(t, secrets)
}

// layListened makes the hosts and gives each node its certificate.
func layListened(t *testing.T) *network {
	t.Helper()
	n := &network{t: t, binary: cluster.Binary(t), lead: "lb-1"}
	var err error
	n.secret, err = wire.NewSecret(networkSecret)
	must(t, err)
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "secret"), []byte(networkSecret), 0o600))
	n.lab, err = lab.New(dir)
	must(t, err)
	t.Cleanup(n.lab.Close)
	ca, err := identity.NewAuthority("", time.Now())
	must(t, err)
	add := func(role identity.Role, names ...string) {
		for _, name := range names {
			h, err := n.lab.Host(name)
			must(t, err)
			at := filepath.Join(dir, "identity", name)
			must(t, identity.Enrol(at, ca, identity.Grant{Role: role, Node: name, Addresses: []string{h.IP}}, time.Now()))
			if role == identity.Balancer {
				must(t, identity.SaveAuthority(at, ca))
			}
		}
	}
	token, hash := operator.NewToken()
	must(t, os.WriteFile(filepath.Join(dir, "operators"), []byte("tokens: [{name: anna, role: admin, hash: "+hash+"}]\n"), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "token"), []byte(token), 0o600))
	n.ask = []string{"--cacert", filepath.Join(dir, "identity", "lb-1", "roots.pem"), "-H", "Authorization: Bearer " + token}
	add(identity.Origin, "origin-1")
	add(identity.Balancer, theBalancers...)
	add(identity.Edge, theEdges...)
	_, err = n.lab.Host(networkViewer)
	must(t, err)
	return n
}

// raise starts all of them.
func (n *network) raise() {
	n.t.Helper()
	var peers, bases []string
	for _, name := range theBalancers {
		peers, bases = append(peers, name+"="+n.lab.Hosts[name].IP+":7000="+n.base(name)), append(bases, n.base(name))
	}
	id, media := []string{"--identity", filepath.Join(n.lab.Dir, "identity")}, []string{}
	if how := os.Getenv(mediaEnv); how != "" {
		media = append(media, "--node-media", how)
	}
	named := func(host, role string, args ...string) {
		args = append(args, "--name", host, "--operators-file", filepath.Join(n.lab.Dir, "operators"), "--admin-cert", filepath.Join(n.lab.Dir, "identity", host, "node.pem"))
		if role != "origin" {
			args = append(args, media...)
		}
		n.run(host, role, append(args, id...)...)
	}
	named("origin-1", "origin", "--sample", "--multicast-interface", "eth0", "--node-listen", n.lab.Hosts["origin-1"].IP+":8443", "--balancers", strings.Join(bases, ","))
	for _, name := range theBalancers {
		named(name, "lb", "--data", filepath.Join(n.lab.Dir, name), "--raft-listen", n.lab.Hosts[name].IP+":7000", "--peers", strings.Join(peers, ","))
	}
	for _, name := range theEdges {
		named(name, "edge", "--data", filepath.Join(n.lab.Dir, name), "--origin", "https://"+n.lab.Hosts["origin-1"].IP+":8443", "--origin-node", "--balancers", strings.Join(bases, ","),
			"--capacity", "100", "--duplication", "multicast", "--multicast-group", networkGroup, "--multicast-interface", "eth0")
	}
}

// login logs in at a node's page, from the viewers' host, looks at it with the cookie, and
// notes what nobody may hear of that.
func (n *network) login(host string, secrets map[string][]byte) {
	n.t.Helper()
	token, err := os.ReadFile(filepath.Join(n.lab.Dir, "token"))
	must(n.t, err)
	jar := filepath.Join(n.lab.Dir, "cookies-"+host)
	n.curl(`{"token":"`+string(token)+`"}`, "-f", n.ask[0], n.ask[1], "-c", jar, "-d", "@-", n.admin(host)+"/auth/login")
	if me := n.curl("", "-f", n.ask[0], n.ask[1], "-b", jar, n.admin(host)+"/auth/me"); !bytes.Contains(me, []byte(`"by":"login"`)) {
		n.t.Errorf("%s does not know who has logged in: %s", host, me)
	}
	text, err := os.ReadFile(jar)
	must(n.t, err)
	fields := strings.Fields(string(text))
	secrets["the operator's token"], secrets["the login at "+host] = token, []byte(fields[len(fields)-1])
}

// order gives a command as an operator does, from the viewers' host.
func (n *network) order(args ...string) {
	n.t.Helper()
	args = append(append([]string{n.binary}, args...), "--admin", n.admin("lb-1"), "--token-file", filepath.Join(n.lab.Dir, "token"), "--ca", n.ask[1])
	if out, err := n.lab.Hosts[networkViewer].Command(n.t.Context(), args...).CombinedOutput(); err != nil {
		n.t.Errorf("%v: %v: %s", args[1:], err, out)
	}
}

// secrets are what nobody may hear: the cluster's secret, every private key, and the
// keys that balancers made, which a backup holds.
func (n *network) secrets() map[string][]byte {
	n.t.Helper()
	all := map[string][]byte{"the secret": []byte(networkSecret), "what the secret opens": []byte(n.secret.Bearer()), "its field": []byte(wire.HeaderAuth)}
	files, err := filepath.Glob(filepath.Join(n.lab.Dir, "identity", "*", "*.pem"))
	must(n.t, err)
	for _, name := range files {
		text, err := os.ReadFile(name)
		must(n.t, err)
		if _, key, ok := strings.Cut(string(text), "PRIVATE KEY-----\n"); ok {
			all["the key in "+name] = []byte(key[:64])
		}
	}
	backup := filepath.Join(n.lab.Dir, "backup")
	n.order("cluster", "backup", backup)
	text, err := os.ReadFile(backup)
	must(n.t, err)
	keys := keysIn(text)
	if len(keys) < 4 { // two of each, after the change
		n.t.Errorf("%d keys in the backup", len(keys))
	}
	for i, key := range keys {
		all[fmt.Sprintf("key %d of the cluster", i)] = key
		all[fmt.Sprintf("key %d of the cluster, as JSON has it", i)] = inJSON(key)
	}
	return all
}
