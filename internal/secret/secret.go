// Package secret reads what nobody else may know: a file that others on the
// machine can read, or whose text could be guessed, is refused with the mend.
//
// Always true: no error holds a part of what was read.
//
// The package starts no goroutine.
package secret

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"syscall"
)

// Why a secret is not taken.
var (
	ErrMode = errors.New("others on this machine can read it")
	ErrWeak = errors.New("it can be guessed")
	ErrSize = errors.New("it is too long")
)

// maxFile bounds a file, in bytes.
const maxFile = 256 << 10

// minBits is the least entropy of a text that is drawn by hand, by the frequency
// of its characters: sixteen letters from a keyboard have more.
const minBits = 48

// Read reads a file that only its owner may read.
func Read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, fmt.Errorf("%s: %w", path, syscall.EISDIR)
	}
	if mode := info.Mode().Perm(); loose(info) {
		return nil, fmt.Errorf("%s: %w (mode %04o): chmod 600 %s, and replace what it holds if others were there", path, ErrMode, mode, path)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("%s: %w: more than %d bytes", path, ErrSize, maxFile)
	}
	return text, nil
}

// loose tells whether others may read a file or change it. Group bits count where
// the file is ours; one that root has lent to us by a group, as systemd and
// Kubernetes do, may be read by it, and where root itself looks at such a file, by a group
// that is not root's own.
func loose(info os.FileInfo) bool {
	mode := info.Mode().Perm()
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && (int(stat.Uid) != os.Geteuid() || stat.Uid == 0 && stat.Gid != 0) {
		return mode&0o027 != 0
	}
	return mode&0o077 != 0
}

// Text reads a file that holds one secret text, which has to be hard to guess.
func Text(path string) (string, error) {
	raw, err := Read(path)
	if err != nil {
		return "", err
	}
	text := strings.TrimSpace(string(raw))
	if err := Strong(text); err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return text, nil
}

// Strong tells whether a text is hard to guess, as far as the text alone shows it.
func Strong(text string) error {
	const mend = "draw one: head -c 32 /dev/urandom | base64"
	if len(text) < 16 {
		return fmt.Errorf("%w: %d bytes, want at least 16; %s", ErrWeak, len(text), mend)
	}
	if bits := entropy(unforetold(text)); bits < minBits {
		return fmt.Errorf("%w: its characters repeat, or follow one another (%.0f bits); %s", ErrWeak, bits, mend)
	}
	return nil
}

// entropy is Shannon's, of the characters' frequencies, for the whole text.
func entropy(text string) float64 {
	var count [256]int
	for i := range len(text) {
		count[text[i]]++
	}
	bits := 0.0
	for _, n := range count {
		if n > 0 {
			bits -= float64(n) * math.Log2(float64(n)/float64(len(text)))
		}
	}
	return bits
}

// rows are characters that follow one another on a keyboard.
const rows = "1234567890 qwertyuiop asdfghjkl zxcvbnm"

// unforetold is a text without the characters that those before them foretell: the same
// step on again (aaa, 1234, fedc), what stood there before (passwordpassword), and the next
// one of a keyboard.
func unforetold(text string) string {
	low := strings.ToLower(text)
	if len(low) != len(text) { // no ASCII
		return text
	}
	var kept []byte
	for i := range len(low) {
		step := i >= 2 && int(low[i])-int(low[i-1]) == int(low[i-1])-int(low[i-2])
		again := i >= 2 && strings.Contains(low[:i], low[i-2:i+1])
		next := i >= 1 && strings.Contains(rows, low[i-1:i+1])
		if !step && !again && !next {
			kept = append(kept, text[i])
		}
	}
	return string(kept)
}
