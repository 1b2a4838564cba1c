package origin

import (
	"embed"
	"io/fs"
)

// sampleName is where the sample lies: /sample/.
const sampleName = "sample"

//go:embed sample/master.m3u8 sample/manifest.mpd sample/v0 sample/v1 sample/v2 sample/a
var sampleFiles embed.FS

// Sample is the built-in stream: 60 s in three renditions of H.264 and one of
// AAC, cut every 2 s, as HLS (master.m3u8) and DASH (manifest.mpd). It is made by
// sample/make.sh.
func Sample() fs.FS {
	sub, err := fs.Sub(sampleFiles, sampleName)
	if err != nil {
		panic(err) // the name is a constant and valid
	}
	return sub
}
