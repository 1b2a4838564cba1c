package manifest

import (
	"bytes"
	"compress/gzip"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"tandem/internal/media"
)

// What a body is, is told by its beginning in any coding that a browser decodes, with the
// largest window that those have (RFC 9659: 8 MiB), whoever wrote it as a stream.
func TestBeginningIsReadInEveryCoding(t *testing.T) {
	text := "#EXTM3U\n" + strings.Repeat("#EXTINF:4,\n1.ts\n", 100)
	for _, window := range []int{1 << 20, 2 << 20, 8 << 20} {
		var b bytes.Buffer
		w, err := zstd.NewWriter(&b, zstd.WithWindowSize(window), zstd.WithEncoderConcurrency(1))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = w.Write([]byte(text[:800]))
		_ = w.Flush() // no length is known
		_, _ = w.Write([]byte(text[800:]))
		_ = w.Close()
		if head := Beginning("zstd", b.Bytes()); media.Sniff(head) != media.MediaPlaylist {
			t.Errorf("zstd with a window of %d bytes: %q", window, head)
		}
	}
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	if head := Beginning("gzip", b.Bytes()[:40]); media.Sniff(head) == media.Other {
		t.Errorf("gzip that is cut off: %q", head)
	}
}
