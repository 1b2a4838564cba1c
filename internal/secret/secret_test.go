package secret

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFileThatOthersCanReadIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	const text = "4f2c9a1be07d5583c6a9"
	if err := os.WriteFile(path, []byte(" "+text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []os.FileMode{0o600, 0o400, 0o640, 0o604, 0o660, 0o610} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		got, err := Text(path)
		if mode&0o077 == 0 {
			if err != nil || got != text {
				t.Errorf("%o: %q, %v", mode, got, err)
			}
			continue
		}
		if !errors.Is(err, ErrMode) || !strings.Contains(err.Error(), "chmod 600 "+path) || strings.Contains(err.Error(), text) {
			t.Errorf("%o: %v", mode, err)
		}
	}
}

// What root lends to a service by a group is no secret of root's that lies open: root looks at
// it as well (config check).
func TestWhatRootLendsByAGroupIsTaken(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root lends")
	}
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte("4f2c9a1be07d5583c6a9"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		gid   int
		mode  os.FileMode
		taken bool
	}{{61_234, 0o640, true}, {61_234, 0o440, true}, {61_234, 0o660, false}, {61_234, 0o644, false}, {0, 0o640, false}} {
		if err := errors.Join(os.Chown(path, 0, row.gid), os.Chmod(path, row.mode)); err != nil {
			t.Fatal(err)
		}
		if _, err := Text(path); (err == nil) != row.taken || err != nil && !errors.Is(err, ErrMode) {
			t.Errorf("%o of group %d: %v", row.mode, row.gid, err)
		}
	}
}

func TestTextThatCanBeGuessedIsRefused(t *testing.T) {
	for text, good := range map[string]bool{
		"aaaaaaaaaaaaaaaa": false, "abababababababababab": false, "short": false, "": false, strings.Repeat("ab", 20): false,
		"12345678901234567890": false, "0123456789abcdef": false, "passwordpassword": false, "PasswordPassword12345678": false, "qwertyuiopasdfghjklzxcvbnm": false, "fedcba9876543210fedc": false, "secretsecretsecretsecret": false, "xyzxyzxyzxyzxyzxyzxyz": false, "changemechangeme": false,
		"correct horse battery staple": true, "deadbeef4f2c9a1be07d5583": true, strings.Repeat("é", 20): false,
		"4f2c9a1be07d5583": true, "sixteen bytes or more": true, "T7x!pQ2m9Zr4KwLd": true,
	} {
		if err := Strong(text); (err == nil) != good || err != nil && (!errors.Is(err, ErrWeak) || text != "" && strings.Contains(err.Error(), text)) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestLongFileIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, make([]byte, maxFile+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(path); !errors.Is(err, ErrSize) {
		t.Error(err)
	}
}

// What is drawn is taken, however it is written.
func TestWhatIsDrawnIsStrong(t *testing.T) {
	for range 20000 {
		raw := make([]byte, 32)
		_, _ = rand.Read(raw)
		for _, text := range []string{base64.StdEncoding.EncodeToString(raw), hex.EncodeToString(raw[:16]), base64.RawURLEncoding.EncodeToString(raw[:16])} {
			if err := Strong(text); err != nil {
				t.Fatalf("%s: %v", text, err)
			}
		}
	}
}
