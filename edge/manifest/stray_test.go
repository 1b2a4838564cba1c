package manifest

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"tandem/internal/media"
	"tandem/segstore"
)

// A host that only the origin's own network knows is told once, whatever names it.
func TestAHostThatViewersHardlyReachIsToldOnce(t *testing.T) {
	var log bytes.Buffer
	c := New(Config{Limit: 1 << 20, Memory: 1 << 20}, Deps{Logger: zerolog.New(&log), Origin: func(string) *media.Origin { return media.Unnamed() }})
	for n := range 3 {
		for _, host := range []string{"packager:8080", "10.1.2.3", "cdn.example"} {
			c.Parse(fmt.Sprintf("/%d.m3u8", n), &segstore.Meta{ContentType: "application/vnd.apple.mpegurl"}, []byte("#EXTM3U\n#EXTINF:2,\nhttp://"+host+"/1.ts\n"))
		}
	}
	for host, want := range map[string]int{"packager:8080": 1, "10.1.2.3": 1, "cdn.example": 0} {
		if n := strings.Count(log.String(), `"host":"`+host+`"`); n != want {
			t.Errorf("%s is told %d times\n%s", host, n, log.String())
		}
	}
}
