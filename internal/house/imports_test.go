package house

import (
	"slices"
	"strings"
	"testing"
)

// rooms: what the code of each room (its tests aside) may import of this module.
// edge, lb and origin never import each other; the pure rooms import next to
// nothing; only cmd/tandem sees everything.
var rooms = map[string][]string{
	"cmd/tandem": {"edge", "origin", "lb", "lb/api", "internal/access", "internal/budget", "internal/certificate", "internal/accesslog", "internal/operator", "internal/cluster", "internal/demo", "internal/front", "internal/rights", "internal/loadtest", "internal/node", "internal/obs", "internal/run", "internal/secret", "internal/serve", "internal/setting", "internal/sim", "internal/wire", "internal/identity", "raftfsm/placement"},
	"edge":       {"edge/clock", "edge/entire", "edge/fetch", "edge/former", "edge/interim", "edge/manifest", "edge/member", "edge/multicast", "edge/prefetch", "edge/ranged", "edge/recovery", "edge/rules", "edge/stepback", "edge/upstream", "segstore", "internal/budget", "internal/call", "internal/front", "internal/front/kernel", "internal/h1", "internal/media", "internal/obs", "internal/protected", "internal/proxied", "internal/run", "internal/secret", "internal/setting", "internal/wire", "internal/cachekey", "internal/identity", "internal/keywait", "internal/rights", "internal/sealedhead"},

	"edge/fetch":     {"edge/clock", "edge/deadly", "edge/entire", "edge/hints", "edge/manifest", "edge/pushed", "edge/recent", "edge/rules", "edge/steady", "edge/upstream", "edge/varied", "edge/waits", "segstore", "internal/call", "internal/media", "internal/ring", "internal/run", "internal/wire", "internal/cachekey", "internal/h1", "internal/names"},
	"edge/manifest":  {"edge/rules", "segstore", "internal/cachekey", "internal/media", "internal/wire"},
	"edge/deadly":    {"edge/recent", "internal/cachekey", "internal/call", "internal/media", "internal/wire"},
	"edge/pushed":    {"segstore", "internal/cachekey", "internal/call", "internal/wire"},
	"edge/entire":    {"internal/wire"},
	"edge/former":    {"internal/wire"},
	"edge/hints":     {"internal/call", "internal/wire"},
	"edge/clock":     {},
	"edge/interim":   {"edge/fetch", "edge/rules", "internal/call", "internal/media", "internal/wire"},
	"edge/ends":      {},
	"edge/lives":     {},
	"edge/ranged":    {"edge/fetch", "edge/manifest", "edge/recent", "edge/rules", "segstore", "internal/h1", "internal/media"},
	"edge/recent":    {},
	"edge/steady":    {},
	"edge/waits":     {},
	"edge/stepback":  {"edge/manifest", "edge/rules", "internal/media", "internal/wire"},
	"edge/renewal":   {},
	"edge/varied":    {"edge/recent", "edge/rules"},
	"edge/silence":   {"internal/ring", "internal/wire"},
	"edge/recovery":  {"edge/clock", "edge/fetch", "edge/rules", "segstore", "internal/call", "internal/ring", "internal/wire"},
	"edge/prefetch":  {"segstore", "internal/media", "internal/wire"},
	"edge/member":    {"edge/clock", "edge/ends", "edge/fetch", "edge/lives", "edge/manifest", "edge/prefetch", "edge/recovery", "edge/renewal", "edge/rules", "edge/silence", "segstore", "internal/call", "internal/media", "internal/ring", "internal/run", "internal/wire", "internal/cachekey"},
	"edge/multicast": {"edge/clock", "edge/fetch", "edge/rules", "segstore", "internal/media", "internal/ring", "internal/wire", "internal/cachekey"},
	"edge/rules":     {"segstore", "internal/h1", "internal/media", "internal/wire", "internal/cachekey"},
	"edge/upstream":  {"edge/rules", "internal/h1", "internal/identity", "internal/wire"},
	"lb":             {"lb/admission", "lb/api", "lb/control", "lb/proposals", "lb/proxy", "lb/proxy/upstream", "lb/steering", "lb/tell", "raftfsm", "raftfsm/placement", "internal/budget", "internal/call", "internal/certificate", "internal/filewatch", "internal/obs", "internal/front", "internal/front/kernel", "internal/front/streams", "internal/h1", "internal/media", "internal/ring", "internal/run", "internal/secret", "internal/setting", "internal/wire", "internal/cachekey", "internal/access", "internal/protected", "internal/proxied", "internal/identity", "internal/rights", "internal/sealedhead"},
	"lb/api":         {"lb/control", "lb/proposals", "raftfsm", "raftfsm/placement", "web", "internal/call", "internal/obs", "internal/operator", "internal/ring", "internal/run", "internal/wire", "internal/identity"},
	"lb/admission":   {"lb/control", "lb/loads", "lb/proxy", "raftfsm/placement", "internal/call", "internal/ring", "internal/wire"},
	"lb/edges":       {"lb/loads", "internal/call", "internal/ring", "internal/wire"},
	"lb/control":     {"lb/edges", "lb/loads", "lb/proposals", "lb/tell", "raftfsm", "raftfsm/placement", "internal/call", "internal/ring", "internal/run", "internal/wire", "internal/identity", "internal/keywait", "internal/rights"},
	"lb/loads":       {"internal/ring", "internal/wire"},
	"lb/proposals":   {"raftfsm", "raftfsm/placement", "internal/call", "internal/ring", "internal/wire"},
	"lb/steering":    {"internal/cachekey", "internal/call", "internal/media", "internal/ring", "internal/setting", "internal/wire"},
	"lb/tell":        {"internal/call", "internal/wire"},
	"lb/proxy":       {"lb/proxy/silence", "lb/proxy/upstream", "internal/call", "internal/front", "internal/front/kernel", "internal/h1", "internal/setting", "internal/wire", "internal/identity", "internal/sealedhead", "internal/names"},

	"internal/call": {"internal/wire", "internal/identity", "internal/names"},

	"internal/media/dash":      {"internal/media/edit", "internal/media/scan", "internal/media/steer", "internal/media/track", "internal/media/uri"},
	"internal/media/hls":       {"internal/media/edit", "internal/media/scan", "internal/media/steer", "internal/media/track", "internal/media/uri"},
	"internal/media/edit":      {"internal/media/scan", "internal/media/uri"},
	"internal/media/companion": {"internal/media/edit", "internal/media/scan", "internal/media/track", "internal/media/uri"},
	"internal/media/scan":      {},
	"internal/media/steer":     {},
	"internal/media/track":     {},
	"internal/media/uri":       {},

	"origin":                        {"origin/ingest", "internal/budget", "internal/call", "internal/front", "internal/identity", "internal/rights", "internal/media", "internal/obs", "internal/run", "internal/setting", "internal/wire", "internal/h1"},
	"origin/ingest":                 {"internal/filewatch", "internal/media", "internal/secret", "internal/setting"},
	"origin/sample":                 {},
	"segstore":                      {"segstore/eviction", "segstore/files", "segstore/index", "segstore/record"},
	"segstore/eviction":             {},
	"segstore/files":                {},
	"segstore/index":                {},
	"segstore/record":               {},
	"raftfsm":                       {"raftfsm/placement", "raftfsm/transport", "internal/setting", "internal/wire", "internal/identity"},
	"raftfsm/placement":             {"internal/protected", "internal/ring", "internal/wire", "internal/identity"},
	"raftfsm/transport":             {"internal/identity", "internal/names"},
	"web":                           {},
	"internal/ring":                 {"internal/wire"},
	"internal/ring/ringtest":        {"internal/ring", "internal/wire"},
	"internal/wire":                 {"internal/media/uri"},
	"internal/media":                {"internal/media/companion", "internal/media/dash", "internal/media/edit", "internal/media/hls", "internal/media/steer", "internal/media/scan", "internal/media/track", "internal/media/uri"},
	"internal/fault":                {},
	"internal/front":                {"internal/budget", "internal/front/fair", "internal/front/h2", "internal/front/incoming", "internal/front/kernel", "internal/front/others", "internal/front/outgoing", "internal/front/streams", "internal/front/turns", "internal/h1", "internal/proxied"},
	"internal/front/incoming":       {"internal/h1"},
	"internal/front/h2":             {"internal/h1"},
	"internal/front/streams":        {"internal/front/h2", "internal/h1"},
	"internal/front/others":         {},
	"internal/front/outgoing":       {"internal/front/incoming", "internal/front/kernel", "internal/h1"},
	"internal/front/fair":           {},
	"internal/front/turns":          {"internal/front/fair"},
	"internal/front/kernel":         {},
	"internal/proxied":              {"internal/setting"},
	"internal/budget":               {"internal/wire"},
	"internal/h1":                   {},
	"internal/h1/h1test":            {},
	"internal/run":                  {},
	"internal/obs":                  {"internal/outlet"},
	"internal/outlet":               {},
	"internal/names":                {},
	"lb/proxy/silence":              {},
	"lb/proxy/upstream":             {"internal/front", "internal/front/kernel", "internal/identity", "internal/names"},
	"internal/setting":              {},
	"internal/sim":                  {"internal/ring", "internal/wire"}, // the same admission code as lb
	"internal/player":               {"internal/media", "internal/wire"},
	"internal/cluster":              {"internal/serve", "internal/wire"},
	"internal/demo":                 {"internal/cluster", "internal/fault", "internal/serve", "internal/setting", "internal/wire", "internal/identity"},
	"internal/loadtest":             {"internal/cluster", "internal/fault", "internal/player", "internal/setting", "internal/wire"},
	"internal/node":                 {"internal/front", "internal/h1", "internal/ring", "internal/wire", "internal/cachekey"},
	"internal/serve":                {"internal/front/h2", "internal/run", "internal/setting"},
	"internal/systest":              {},
	"internal/systest/guide":        {},
	"internal/cachekey":             {"internal/media/uri"},
	"internal/house/mutations":      {},
	"internal/house/elsewhere":      {},
	"internal/house":                {},
	"internal/accesslog":            {"internal/front", "internal/h1", "internal/outlet", "internal/setting", "internal/wire"},
	"internal/access":               {"internal/protected", "internal/secret", "internal/setting", "internal/wire"},
	"internal/identity":             {"internal/filewatch", "internal/secret", "internal/wire", "internal/names"},
	"internal/certificate":          {"internal/filewatch"},
	"internal/filewatch":            {},
	"internal/certificate/certtest": {},
	"internal/operator":             {"internal/call", "internal/filewatch", "internal/secret", "internal/setting", "internal/wire"},
	"internal/sealedhead":           {},
	"internal/keywait":              {},
	"internal/rights/rightstest":    {"internal/rights", "internal/wire"},
	"internal/rights":               {"internal/call", "internal/identity", "internal/ring", "internal/wire"},
	"internal/protected":            {"internal/wire"},
	"internal/secret":               {},
	"bench/lab":                     {},
	"bench/netdemo":                 {"bench/lab", "internal/cluster", "internal/wire"},
	"bench/trial":                   {"bench/lab", "internal/wire"},
	"bench/cost":                    {"bench/lab", "internal/identity"},
}

// thirdParty: the files in which a package may stand, by the beginning of its
// path. "edge/" stands for every file of the room.
var thirdParty = []struct {
	prefix string
	files  []string
	why    string
}{
	{"github.com/hashicorp/raft", []string{"raftfsm/"}, "the only rooms that know Raft"},
	{"github.com/hashicorp/go-hclog", []string{"raftfsm/transport/transport.go"}, "what the library's transport logs through"},
	{"go.etcd.io/bbolt", []string{"raftfsm/openlog.go", "segstore/index/"}, "the index, and the database under Raft"},
	{"github.com/go-chi/chi/v5", []string{
		"edge/http.go", "edge/internal.go", "lb/control/nodes.go", "lb/api/", "origin/origin.go", "internal/obs/admin.go", "internal/rights/rightstest/",
	}, "where routes are declared"},
	{"github.com/prometheus/client_golang", []string{
		"edge/metrics.go", "edge/metrics_takeover.go", "edge/edge.go", "lb/metrics.go", "lb/lb.go", "lb/api/api.go", "origin/metrics.go", "origin/origin.go", "raftfsm/metrics.go",
		"internal/obs/", "cmd/tandem/docs.go",
	}, "metrics files, and the constructors that are handed a registry"},
	{"github.com/rs/zerolog", []string{"edge/", "lb/", "origin/", "raftfsm/", "segstore/", "internal/obs/", "internal/accesslog/", "internal/certificate/", "internal/serve/", "cmd/tandem/"}, "loggers are handed in"},
	{"go.yaml.in/yaml/v3", []string{"internal/setting/parse.go", "internal/setting/document.go", "internal/sim/", "internal/access/load.go", "internal/operator/file.go"}, "files that people write"},
	{"github.com/fxamacker/cbor", []string{"internal/access/"}, "Common Access Tokens"},
	{"github.com/golang-jwt/jwt", []string{"internal/access/jwt.go"}, "JSON Web Tokens"},
	{"github.com/coreos/go-oidc", []string{"internal/operator/oidc.go"}, "logins by OpenID Connect"},
	{"golang.org/x/oauth2", []string{"internal/operator/oidc.go"}, "logins by OpenID Connect"},
	{"github.com/oschwald/maxminddb-golang", []string{"internal/access/geo.go"}, "countries of addresses"},
	{"golang.org/x/sys", []string{"segstore/", "edge/", "lb/", "internal/front/", "internal/outlet/", "internal/serve/"}, "system calls that package syscall lacks"},
	{"github.com/klauspost/compress", []string{"edge/manifest/coding.go"}, "gzip and zstd of manifests"},
	{"github.com/andybalholm/brotli", []string{"edge/manifest/coding.go"}, "brotli of manifests"},
	{"golang.org/x/sync", []string{"segstore/", "origin/", "edge/", "lb/"}, "errgroup and singleflight"},
	{"golang.org/x/net", []string{"edge/", "origin/", "lb/", "internal/front/streams/", "bench/cost/"}, "multicast groups; frames and heads of HTTP/2"},
}

// onlyTests may be imported by tests alone.
var onlyTests = []string{"pgregory.net/rapid", "github.com/anishathalye/porcupine"}

// forbiddenInPure are what a pure room never needs.
var forbiddenInPure = map[string][]string{
	"internal/ring": {"net", "net/http", "os", "time", "math/rand", "math/rand/v2", "log"},

	"segstore/eviction": {"net", "net/http", "os", "time", "math/rand", "math/rand/v2", "log"},
	"segstore/record":   {"net", "net/http", "os", "math/rand", "math/rand/v2", "log"},
	"raftfsm/placement": {"net", "net/http", "os", "time", "crypto/rand", "math/rand", "math/rand/v2", "log", "github.com/hashicorp/raft"},

	"internal/media": {"net", "net/http", "os", "math/rand", "math/rand/v2", "log"},

	"internal/media/dash":      {"net", "net/http", "os", "math/rand", "math/rand/v2", "log"},
	"internal/media/hls":       {"net", "net/http", "os", "math/rand", "math/rand/v2", "log"},
	"internal/media/companion": {"net", "net/http", "os", "math/rand", "math/rand/v2", "log"},
	"internal/media/edit":      {"net", "net/http", "os", "math/rand", "math/rand/v2", "log"},
	"internal/media/scan":      {"net", "net/http", "os", "math/rand", "math/rand/v2", "log"},
	"internal/media/steer":     {"net", "net/http", "os", "time", "math/rand", "math/rand/v2", "log"},
	"internal/media/track":     {"net", "net/http", "os", "math/rand", "math/rand/v2", "log"},
	"internal/media/uri":       {"net", "net/http", "os", "math/rand", "math/rand/v2", "log"},
}

func TestRoomsImportOnlyWhatTheyMay(t *testing.T) {
	for _, s := range sources(t) {
		may, known := rooms[s.room]
		if !known {
			t.Errorf("%s: the room %s is not in the table of rooms", s.path, s.room)
			continue
		}
		if s.test {
			continue
		}
		for _, i := range s.imports() {
			if own, ok := strings.CutPrefix(i, "tandem/"); ok && !slices.Contains(may, own) {
				t.Errorf("%s imports %s; %s may import %v", s.path, i, s.room, may)
			}
			if slices.Contains(forbiddenInPure[s.room], i) {
				t.Errorf("%s imports %s; %s is pure", s.path, i, s.room)
			}
		}
	}
}

func TestThirdPartyPackagesStandWhereTheyMay(t *testing.T) {
	for _, s := range sources(t) {
		for _, i := range s.imports() {
			if first, _, _ := strings.Cut(i, "/"); !strings.Contains(first, ".") || s.test {
				continue
			}
			if !allowed(s.path, i) {
				t.Errorf("%s imports %s; the table of imports_test.go does not let it", s.path, i)
			}
		}
	}
}

func allowed(file, imported string) bool {
	for _, row := range thirdParty {
		if !strings.HasPrefix(imported, row.prefix) {
			continue
		}
		for _, f := range row.files {
			if f == file || strings.HasSuffix(f, "/") && strings.HasPrefix(file, f) {
				return true
			}
		}
	}
	return false
}

// Rooms that serve never know each other: said again, apart from the table, so
// that no edit of a row weakens it.
func TestEdgeLbAndOriginNeverImportEachOther(t *testing.T) {
	serving := []string{"edge", "lb", "origin"}
	for _, s := range sources(t) {
		for _, i := range s.imports() {
			own := strings.TrimPrefix(i, "tandem/")
			if slices.Contains(serving, s.room) && slices.Contains(serving, own) && own != s.room {
				t.Errorf("%s imports %s", s.path, i)
			}
			if slices.Contains(onlyTests, i) && !s.test {
				t.Errorf("%s imports %s, which is for tests alone", s.path, i)
			}
		}
	}
}
