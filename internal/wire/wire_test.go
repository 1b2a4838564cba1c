package wire

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

func testSecret(t testing.TB) Secret {
	t.Helper()
	s, err := NewSecret(" sixteen bytes or more \n")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSecretThatCanBeGuessedIsRefused(t *testing.T) {
	if _, err := NewSecret("  short   "); !errors.Is(err, ErrSecretShort) {
		t.Fatal(err)
	}
	if (Secret{}).Valid() {
		t.Fatal("the zero secret is valid")
	}
}

func TestKeysThatContradictThemselvesAreRefused(t *testing.T) {
	secret := make([]byte, KeySize)
	good := Keys{Tokens: KeySet{Sealing: 2, Keys: []Key{{ID: 1, Secret: secret}, {ID: 2, Secret: secret}}}}
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	for what, set := range map[string]KeySet{
		"the one that seals is not there": {Sealing: 3, Keys: good.Tokens.Keys},
		"an ID twice":                     {Sealing: 1, Keys: []Key{{ID: 1, Secret: secret}, {ID: 1, Secret: secret}}},
		"no ID":                           {Sealing: 0, Keys: []Key{{ID: 0, Secret: secret}}},
		"a short secret":                  {Sealing: 1, Keys: []Key{{ID: 1, Secret: secret[1:]}}},
		"too many":                        {Sealing: 1, Keys: make([]Key, MaxKeys+1)},
	} {
		for _, keys := range []Keys{{Tokens: set}, {Datagrams: set}} {
			if err := keys.Check(); !errors.Is(err, ErrKeys) {
				t.Errorf("%s: %v", what, err)
			}
		}
	}
}

func TestSplitPath(t *testing.T) {
	for _, c := range []struct {
		path, token, rest string
		ok                bool
	}{
		{"/s/TOK/a/b", "TOK", "/a/b", true},
		{"/s/TOK/", "TOK", "/", true},
		{"/s/TOK", "", "/s/TOK", false},
		{"/s//a", "", "/s//a", false},
		{"/sample/a", "", "/sample/a", false},
		{"/s/T/_tandem-up/_tandem-up/a/b", "T", "/a/b", true},
		{"/s/T/_tandem-up/", "T", "/", true},
		{"/s/T/_tandem-up", "T", "/_tandem-up", true},
		{"/s/T/_tandem-upper/a", "T", "/_tandem-upper/a", true},
		{"/s/T/a/_tandem-up/b", "T", "/a/_tandem-up/b", true},
		{"/_tandem-up/s/T/a", "", "/_tandem-up/s/T/a", false},
	} {
		if token, rest, ok := SplitPath(c.path); token != c.token || rest != c.rest || ok != c.ok {
			t.Errorf("%s: %q %q %v", c.path, token, rest, ok)
		}
	}
}

func testNotice() *Notice {
	return &Notice{
		Edge: "edge-1", Incarnation: 3, Sequence: 99, Pair: 2, Boundary: 4, Version: 17, Slots: 8, Covers: Run{0, 8}, Own: []Run{{0, 3}, {4, 5}}, More: true, Whole: true,
		Changes: []Change{
			{Slot: 0, Generation: 5, Stream: "/sample/", Viewer: "127.0.0.1", Opened: 1, Token: Alias{7, 4}, Seen: 2, Manifests: []string{"/sample/v1/index.m3u8", "/sample/main.m3u8"}},
			{Slot: 1, Generation: 6, Seen: 3, Tracks: []Track{
				{Kind: VideoTrack, Manifest: "/sample/v1/index.m3u8", Target: "/sample/v1/seg-510.m4s", Sequence: 510, Time: 2040000, Duration: 4000, At: 1800000000000},
				{Kind: AudioTrack, Manifest: "/sample/a1/index.m3u8", Target: "/sample/a1.mp4", First: 700, Last: 899, Sequence: -1, Duration: 3989, At: 1800000000001},
			}},
			{Slot: 2, Generation: 7, Gone: true},
			{Slot: 3, Generation: 8, Seen: 3, Tracks: []Track{{Manifest: "/sample/v1/index.m3u8", Target: "/sample/v1/seg-510.m4s"}}},
		},
	}
}

func TestNoticeArrivesAsItWasSent(t *testing.T) {
	got, err := DecodeNotice(testNotice().Append(nil))
	if err != nil || !reflect.DeepEqual(got, testNotice()) {
		t.Fatalf("%+v, %v", got, err)
	}
	whole := testNotice().Append(nil)
	for i := range whole {
		if _, err := DecodeNotice(whole[:i]); !errors.Is(err, ErrNotice) {
			t.Fatalf("the first %d bytes: %v", i, err)
		}
	}
}

func FuzzDecodeNotice(f *testing.F) {
	f.Add(testNotice().Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := DecodeNotice(b)
		if err != nil {
			return
		}
		again, err := DecodeNotice(n.Append(nil))
		if err != nil || !reflect.DeepEqual(again, n) {
			t.Fatalf("%+v became %+v, %v", n, again, err)
		}
	})
}

func TestPlacementThatContradictsItselfIsRefused(t *testing.T) {
	good := `{"edges":[{"name":"a"},{"name":"b"}],"pairs":[{"id":1,"low":"a","high":"b","slots":8,"boundary":4,"home":4}],"streams":[{"stream":"/x/","pairs":[1]}]}`
	p, err := DecodePlacement(strings.NewReader(good))
	if err != nil {
		t.Fatal(err)
	}
	if stream, ok := p.StreamOf("/x/y/z.m4s"); !ok || stream != "/x/" {
		t.Fatal(stream, ok)
	}
	for _, change := range [][2]string{{`"boundary":4`, `"boundary":9`}, {`"low":"a"`, `"low":"c"`}, {`"name":"b"`, `"name":"a"`}, {`"pairs":[1]`, `"pairs":[2]`}} {
		if _, err := DecodePlacement(strings.NewReader(strings.Replace(good, change[0], change[1], 1))); !errors.Is(err, ErrPlacement) {
			t.Errorf("%s accepted: %v", change[1], err)
		}
	}
}
