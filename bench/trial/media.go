package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
)

const (
	segmentBytes   = 4 << 20
	segmentSeconds = 4
	segmentCount   = 16
	entryPath      = "/trial/index.m3u8"
	mainPath       = "/trial/main.m3u8" // multivariant: what has a place for ways
)

// media is the stream on disk and what its segments must hash to.
type media struct {
	root    string
	digests map[string]string // by base name, SHA-256 in hex
}

// newMedia writes the stream: random bytes from a fixed seed under a playlist.
func newMedia(dir string) (*media, error) {
	m := &media{root: filepath.Join(dir, "media"), digests: map[string]string{}}
	base := filepath.Join(m.root, "trial")
	if err := os.MkdirAll(base, 0o755); err != nil {
		return nil, err
	}
	var list strings.Builder
	fmt.Fprintf(&list, "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:%d\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:VOD\n", segmentSeconds)
	body := make([]byte, segmentBytes)
	random := rand.NewChaCha8([32]byte{7})
	for i := range segmentCount {
		name := fmt.Sprintf("seg-%03d.ts", i)
		_, _ = random.Read(body)
		if err := os.WriteFile(filepath.Join(base, name), body, 0o644); err != nil {
			return nil, err
		}
		sum := sha256.Sum256(body)
		m.digests[name] = hex.EncodeToString(sum[:])
		fmt.Fprintf(&list, "#EXTINF:%d,\n%s\n", segmentSeconds, name)
	}
	list.WriteString("#EXT-X-ENDLIST\n")
	variant := fmt.Sprintf("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=%d\nindex.m3u8\n", 8*segmentBytes/segmentSeconds)
	if err := os.WriteFile(filepath.Join(base, "main.m3u8"), []byte(variant), 0o644); err != nil {
		return nil, err
	}
	return m, os.WriteFile(filepath.Join(base, "index.m3u8"), []byte(list.String()), 0o644)
}
