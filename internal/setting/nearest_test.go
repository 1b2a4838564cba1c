package setting

import "testing"

// A slip of the hand finds what was meant; another word finds nothing.
func TestASlipOfTheHandFindsWhatWasMeant(t *testing.T) {
	names := []string{"status", "start", "stop", "streams", "sim", "listen", "secret-file", "node-listen", "watch", "join", "lb", "edge"}
	for word, want := range map[string]string{
		"stauts": "status", "Status": "status", "statsu": "status", "stat": "status", "strat": "start", "stp": "stop", "lisen": "listen", "secret_file": "secret-file", "secrets-file": "secret-file", "secret": "secret-file",
		"wat": "watch", "jion": "join", "lbs": "lb", "egde": "edge", "x": "", "": "", "quorum": "", "remove": "", "play": "", "bl": "lb",
	} {
		if want != "" {
			want = "; did you mean " + want + "?"
		}
		if got := Meant(word, names); got != want {
			t.Errorf("%s: %q, want %q", word, got, want)
		}
	}
}
