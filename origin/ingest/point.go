package ingest

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"sync"

	"tandem/internal/secret"
	"tandem/internal/setting"
)

// defaultPushes is how many pushes a publishing point takes at once where its row
// does not say: ten channels of eight renditions, three segments each.
const defaultPushes = 256

// pointRow is one publishing point as people write it (--publishing-points).
type pointRow struct {
	Path        string `yaml:"path"`
	User        string `yaml:"user"`
	Password    string `yaml:"password"` // or sha256: and 64 hex digits
	Token       string `yaml:"token"`    // the same, for Authorization: Bearer
	Open        bool   `yaml:"open"`
	Quota       string `yaml:"quota"`
	Pushes      int    `yaml:"pushes"`
	UniqueNames bool   `yaml:"unique-names"`
}

// point is a publishing point (DASH-IF ingest): a path below which objects are
// pushed, by whom, and how much of it may be there. It never changes; what is
// used of it does.
type point struct {
	path     string // "/news/"
	open     bool   // anybody may push
	user     string
	password []byte // SHA-256; nil: none
	token    []byte // SHA-256; nil: none
	quota    int64  // bytes, 0: no limit
	pushes   int    // at once
	unique   bool   // a name is never used again, so what it names may be kept for ever
	used     *usage
}

// usage is what a publishing point holds.
type usage struct {
	mu       sync.Mutex
	stored   int64 // bytes; guarded by mu
	coming   int64 // bytes of pushes that run; guarded by mu
	pushes   int   // running; guarded by mu
	measured bool  // stored is counted from the files; guarded by mu
}

// fits tells whether so many bytes more are within the quota.
func (p *point) fits(n int64) bool {
	p.used.mu.Lock()
	defer p.used.mu.Unlock()
	return p.quota == 0 || p.used.stored+p.used.coming+max(n, 0) <= p.quota
}

// comes counts bytes of a push. False: the quota does not allow them.
func (p *point) comes(n int64) bool {
	p.used.mu.Lock()
	defer p.used.mu.Unlock()
	if p.quota > 0 && p.used.stored+p.used.coming+n > p.quota {
		return false
	}
	p.used.coming += n
	return true
}

// settles counts what became of a push of n bytes, or of none: by how much more is
// stored.
func (p *point) settles(n, more int64) {
	p.used.mu.Lock()
	defer p.used.mu.Unlock()
	p.used.coming -= n
	p.used.stored += more
}

// enter takes one place for a push; leave gives it back.
func (p *point) enter() bool {
	p.used.mu.Lock()
	defer p.used.mu.Unlock()
	if p.used.pushes >= p.pushes {
		return false
	}
	p.used.pushes++
	return true
}

func (p *point) leave() {
	p.used.mu.Lock()
	defer p.used.mu.Unlock()
	p.used.pushes--
}

// admits tells whether a request shows the point's credential: Basic (RFC 7617),
// which packagers speak, or Bearer (RFC 6750).
func (p *point) admits(r *http.Request) bool {
	if p.open {
		return true
	}
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return p.token != nil && shows(token, p.token)
	}
	user, password, ok := r.BasicAuth()
	return ok && p.password != nil && subtle.ConstantTimeCompare([]byte(user), []byte(p.user)) == 1 && shows(password, p.password)
}

func shows(text string, sum []byte) bool {
	given := sha256.Sum256([]byte(text))
	return subtle.ConstantTimeCompare(given[:], sum) == 1
}

// points are all publishing points, the longest paths first.
type points []*point

// of is the point that a path belongs to, nil: none.
func (ps points) of(urlPath string) *point {
	for _, p := range ps {
		if strings.HasPrefix(urlPath, p.path) {
			return p
		}
	}
	return nil
}

// CheckPoints says what is wrong with the file of publishing points.
func CheckPoints(c Config) error {
	_, err := loadPoints(&c)
	return err
}

// loadPoints reads the publishing points. Without a file there is one, the whole
// of the media directory.
func loadPoints(c *Config) (points, error) {
	if c.Points == "" {
		return points{{path: "/", open: !c.Closed, pushes: c.MaxPushes, used: &usage{}}}, nil
	}
	var rows []pointRow
	text, err := secret.Read(c.Points)
	if err == nil {
		err = setting.Document(c.Points, text, &rows)
	}
	if err != nil {
		return nil, fmt.Errorf("--publishing-points: %w", err)
	}
	var all points
	for _, row := range rows {
		p, err := row.point(c)
		if err != nil {
			return nil, fmt.Errorf("--publishing-points: %s: %q: %w", c.Points, row.Path, err)
		}
		if slices.ContainsFunc(all, func(other *point) bool { return other.path == p.path }) {
			return nil, fmt.Errorf("--publishing-points: %s: there are two points %s", c.Points, p.path)
		}
		all = append(all, p)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("--publishing-points: %s holds no point; write a list of \"- path: /news/\" with user and password", c.Points)
	}
	slices.SortFunc(all, func(a, b *point) int { return len(b.path) - len(a.path) })
	return all, nil
}

func (row *pointRow) point(c *Config) (*point, error) {
	p := &point{path: row.Path, open: row.Open, user: row.User, pushes: row.Pushes, unique: row.UniqueNames, used: &usage{}}
	name := strings.Trim(row.Path, "/")
	switch {
	case row.Path == "/":
	case !strings.HasPrefix(row.Path, "/") || !strings.HasSuffix(row.Path, "/") || !Shown(name) || name != row.Path[1:len(row.Path)-1]:
		return nil, errors.New("want a slash at both ends, as /news/ has")
	case c.Reserved(row.Path):
		return nil, errors.New("this path is taken; give the point another one")
	}
	var err error
	if p.password, err = sumOf(row.Password); err != nil {
		return nil, fmt.Errorf("password: %w", err)
	}
	if p.token, err = sumOf(row.Token); err != nil {
		return nil, fmt.Errorf("token: %w", err)
	}
	switch closed := p.password != nil || p.token != nil; {
	case closed == p.open:
		return nil, errors.New("give user and password, or token, or open: true; open and a credential exclude each other")
	case (p.password != nil) != (p.user != ""):
		return nil, errors.New("user and password go together")
	}
	if row.Quota != "" {
		if p.quota, err = setting.ParseBytes(row.Quota); err != nil || p.quota < 1 {
			return nil, fmt.Errorf("quota: %q; give a size like 20GiB", row.Quota)
		}
	}
	if p.pushes == 0 {
		p.pushes = defaultPushes
	}
	if p.pushes < 0 {
		return nil, fmt.Errorf("pushes: %d; give how many may run at once", row.Pushes)
	}
	return p, nil
}

// sumOf is the SHA-256 of a credential, which may be written as such.
func sumOf(text string) ([]byte, error) {
	if text == "" {
		return nil, nil
	}
	if digits, ok := strings.CutPrefix(text, "sha256:"); ok {
		sum, err := hex.DecodeString(digits)
		if err != nil || len(sum) != sha256.Size {
			return nil, errors.New("want sha256: and 64 hex digits behind it")
		}
		return sum, nil
	}
	if len(text) < 8 {
		return nil, errors.New("it can be guessed; want 8 characters or more")
	}
	sum := sha256.Sum256([]byte(text))
	return sum[:], nil
}

// unmeasured tells whether a point has a quota and what is stored is not known.
func (p *point) unmeasured() bool {
	p.used.mu.Lock()
	defer p.used.mu.Unlock()
	return p.quota > 0 && !p.used.measured
}

// measure counts what is stored below the points that have a quota.
func (ps points) measure(root fs.FS) error {
	if !slices.ContainsFunc(ps, (*point).unmeasured) {
		return nil
	}
	found := map[*point]int64{}
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name != "." && !Shown(name) && d.IsDir():
			return fs.SkipDir
		case !d.Type().IsRegular() || !Shown(name):
			return nil
		}
		stat, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil // deleted meanwhile
		}
		if p := ps.of("/" + name); err == nil && p != nil {
			found[p] += stat.Size()
		}
		return err
	})
	for _, p := range ps {
		p.used.mu.Lock()
		p.used.stored, p.used.measured = found[p], true
		p.used.mu.Unlock()
	}
	return err
}
