package obs

import (
	"bytes"
	"encoding/json"
	"log"
	"os"
	"strings"
	"testing"
	"unicode/utf8"
)

// What the standard library says of a peer is a line like any other, and short
// whatever the peer sent.
func TestLibrarySpeaksInOurLog(t *testing.T) {
	flags := log.Flags()
	defer func() { log.SetOutput(os.Stderr); log.SetFlags(flags) }()
	var out bytes.Buffer
	if _, err := Logger(&out, "edge", "info"); err != nil {
		t.Fatal(err)
	}
	log.Printf("Unsolicited response received on idle HTTP channel starting with %q", strings.Repeat("\xff\n", 50_000))
	var line struct{ Level, Node, Message string }
	if err := json.Unmarshal(out.Bytes(), &line); err != nil || bytes.Count(out.Bytes(), []byte("\n")) != 1 {
		t.Fatalf("%v: %.300s", err, out.Bytes())
	}
	if line.Level != "warn" || line.Node != "edge" || !strings.HasPrefix(line.Message, "Unsolicited response") || len(line.Message) > 300 || !utf8.ValidString(line.Message) {
		t.Errorf("%+v", line)
	}
}
