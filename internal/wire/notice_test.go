package wire

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

// TestKeysThatSeveralSessionsShareAreSentOnce: a hall of viewers at one live edge
// does not cost a neighbour a name a viewer.
func TestKeysThatSeveralSessionsShareAreSentOnce(t *testing.T) {
	n := &Notice{Edge: "edge-1", Slots: 1000}
	track := Track{Kind: VideoTrack, Manifest: strings.Repeat("/manifest", 100), Target: strings.Repeat("/segment", 100), Sequence: 5}
	size := 0
	for slot := range 1000 {
		n.Changes = append(n.Changes, Change{Slot: slot, Generation: 1, Seen: 1 << 40, Tracks: []Track{track}})
		size += n.Changes[slot].Size()
	}
	b := n.Append(nil)
	if len(b) > 40_000 {
		t.Errorf("%d bytes for 1000 sessions", len(b))
	}
	if size < len(b) {
		t.Errorf("sizes that add up to %d of a notice of %d bytes", size, len(b))
	}
	again, err := DecodeNotice(b)
	if err != nil || again.Changes[999].Tracks[0] != track {
		t.Fatalf("%v, %v", again, err)
	}
}

// TestSizeIsNeverLessThanWhatIsWritten: whoever fills a notice up to MaxNotice by
// sizes sends one that is taken.
func TestSizeIsNeverLessThanWhatIsWritten(t *testing.T) {
	long := func(i int) string { return fmt.Sprintf("/%d", i) + strings.Repeat("x", MaxTrackKey-8) }
	c := Change{Slot: 1<<31 - 1, Generation: 1<<32 - 1, Stream: long(0), Viewer: strings.Repeat("v", maxName), Opened: -1 << 63, Seen: -1 << 63}
	for i := range MaxManifests {
		c.Manifests = append(c.Manifests, long(10+i))
	}
	for i := range MaxTracks {
		c.Tracks = append(c.Tracks, Track{
			Kind: TrackKind(i), Manifest: long(20 + i), Target: long(30 + i),
			First: -1 << 63, Last: -1 << 63, Sequence: -1 << 63, Time: -1 << 63, Duration: -1 << 63, At: -1 << 63,
		})
	}
	n := &Notice{Edge: "e", Changes: []Change{c}}
	head := len((&Notice{Edge: "e"}).Append(nil))
	if written := len(n.Append(nil)) - head; c.Size() < written {
		t.Errorf("%d, but %d bytes are written", c.Size(), written)
	}
	if _, err := DecodeNotice(n.Append(nil)); err != nil {
		t.Error(err)
	}
}

// TestANoticeThatSaysMoreThanItSendsIsRefused, and costs no more memory than a small
// multiple of what was sent.
func TestANoticeThatSaysMoreThanItSendsIsRefused(t *testing.T) {
	head := append([]byte{noticeVersion}, appendText(nil, "edge-1")...)
	for range 11 { // incarnation to the number of runs, all 0
		head = append(head, 0)
	}
	many := binary.AppendUvarint(append([]byte{}, head...), MaxNoticeChanges)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := DecodeNotice(many)
	runtime.ReadMemStats(&after)
	if !errors.Is(err, ErrNotice) {
		t.Errorf("a count of %d changes and none of them: %v", MaxNoticeChanges, err)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 64<<10 {
		t.Errorf("%d bytes for a notice of %d", took, len(many))
	}
	for what, change := range map[string][]byte{
		"a key that was never sent":    {0, 0, 0, 0, 1, 5, 0},
		"more manifests than may be":   {0, 0, 0, 0, MaxManifests + 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
		"more tracks than there are":   {0, 0, 0, 0, 0, MaxTracks + 1, 0, 0, 0, 0, 0, 0, 0, 0, 0},
		"a track of no kind":           {0, 0, 0, 0, 0, 1, MaxTracks, 0, 0, 0, 1, 'x', 0, 0, 0, 0, 0, 0},
		"a track without a segment":    {0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
		"a stream without a name":      {changeFull, 0, 0, 0, 0, 0, 0, 0, 0, 0},
		"flags that nobody has set":    {64, 0, 0, 0, 0, 0},
		"a slot of more than 31 bits ": {0, 0xff, 0xff, 0xff, 0xff, 0x7f, 0, 0, 0, 0},
	} {
		b := append(append(append([]byte{}, head...), 1), change...)
		if _, err := DecodeNotice(b); !errors.Is(err, ErrNotice) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for what, n := range map[string]*Notice{
		"a boundary above the slots": {Edge: "e", Boundary: 9, Slots: 8},
		"covers more than there is":  {Edge: "e", Slots: 8, Covers: Run{0, 9}},
		"covers backwards":           {Edge: "e", Slots: 8, Covers: Run{3, 2}},
		"owns backwards":             {Edge: "e", Slots: 8, Own: []Run{{3, 2}}},
	} {
		if _, err := DecodeNotice(n.Append(nil)); !errors.Is(err, ErrNotice) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestANoticeIsTakenWholeOrNotAtAll: not one that was cut off, whatever it said last, nor one
// that says more, or what no edge writes.
func TestANoticeIsTakenWholeOrNotAtAll(t *testing.T) {
	track := Track{Kind: AudioTrack, Manifest: "/m", Target: "/s5", Sequence: 5, At: 7}
	for what, changes := range map[string][]Change{
		"nothing":    nil,
		"ends":       {{Slot: 1, Generation: 2, Gone: true}, {Slot: 2, Generation: 2, Gone: true}, {Slot: 3, Generation: 2, Gone: true}},
		"an opening": {{Slot: 1, Generation: 3, Stream: "/s/", Viewer: "192.0.2.1", Opened: 5, Token: Alias{4, 9}, Seen: 6}},
		"a request":  {{Slot: 1, Generation: 3, Seen: 6, Manifests: []string{"/m"}}},
		"a position": {{Slot: 1, Generation: 3, Seen: 6, Tracks: []Track{track}}},
	} {
		for bits := range 4 {
			n := &Notice{
				Edge: "e", Incarnation: 1, Sequence: 2, Pair: 3, Boundary: 4, Version: 5, Slots: 8, Covers: Run{1, 3},
				Own: []Run{{0, 1}, {2, 3}, {4, 5}}, More: bits&1 != 0, Whole: bits&2 != 0, Changes: changes,
			}
			b := n.Append(nil)
			got, err := DecodeNotice(b)
			if len(changes) == 0 && got != nil {
				got.Changes = nil
			}
			if err != nil || !reflect.DeepEqual(got, n) {
				t.Fatalf("%s: %+v became %+v, %v", what, n, got, err)
			}
			for i := range b {
				if _, err := DecodeNotice(b[:i]); !errors.Is(err, ErrNotice) {
					t.Errorf("%s: the first %d bytes of %d: %v", what, i, len(b), err)
				}
			}
			if _, err := DecodeNotice(append(b, 0)); !errors.Is(err, ErrNotice) {
				t.Errorf("%s and a byte: %v", what, err)
			}
		}
	}
	for what, change := range map[string][]byte{
		"an end with a stream":      {changeGone | changeFull, 0, 0},
		"a token without a stream":  {changeAlias, 0, 0, 0, 0, 0},
		"a token of no generation":  {changeFull | changeAlias, 0, 0, 0, 1, 's', 0, 0, 0, 0, 0, 0, 0},
		"a kind that there is not":  {0, 0, 0, 0, 0, 1, MaxTracks, 0, 1, 'm', 0, 1, 's', 0, 0, 0, 0, 0, 0},
		"a name that is too long":   append(append([]byte{changeFull, 0, 0, 0}, appendText(nil, strings.Repeat("s", MaxTrackKey+1))...), 0, 0, 0, 1, 1, 0),
		"a flag that is none (128)": {128, 0, 0, 0, 0, 0},
	} {
		b := append(append(ofEdge("e", 0), 1), change...)
		if _, err := DecodeNotice(b); !errors.Is(err, ErrNotice) {
			t.Errorf("%s: %v", what, err)
		}
	}
	longest := append(append([]byte{changeFull, 0, 0, 0}, appendText(nil, strings.Repeat("s", MaxTrackKey))...), 0, 0, 0, 1, 1, 0)
	if n, err := DecodeNotice(append(append(ofEdge("e", 0), 1), longest...)); err != nil || len(n.Changes[0].Manifests[0]) != MaxTrackKey {
		t.Errorf("the longest name: %v", err)
	}
	for what, b := range map[string][]byte{"no edge": ofEdge("", 0), "neither more nor no more": ofEdge("e", 2)} {
		if _, err := DecodeNotice(append(b, 0)); !errors.Is(err, ErrNotice) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// ofEdge is a notice up to the number of its changes; bits are what its More and Whole say.
func ofEdge(edge string, bits byte) []byte {
	b := append([]byte{noticeVersion}, appendText(nil, edge)...)
	return append(b, 0, 0, 0, 0, 0, 0, 0, 0, bits, 0, 0)
}

func TestKindsOfTracksHaveNamesInJSON(t *testing.T) {
	for kind := range TrackKind(MaxTracks) {
		text, err := json.Marshal(Track{Kind: kind})
		var back Track
		if err != nil || json.Unmarshal(text, &back) != nil || back.Kind != kind || !strings.Contains(string(text), `"kind":"`+kind.String()+`"`) {
			t.Errorf("%s, %v", text, err)
		}
	}
	if json.Unmarshal([]byte(`{"kind":"smell"}`), new(Track)) == nil {
		t.Error("a kind that there is not")
	}
}
