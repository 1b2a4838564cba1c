package placement

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"tandem/internal/wire"
)

// A snapshot is: 8 bytes of magic, 1 byte of version, 8 bytes of length (big
// endian), 32 bytes of SHA-256, and that many bytes of JSON.
const (
	snapshotMagic   = "TANDEMP1"
	snapshotVersion = 1
	snapshotHead    = len(snapshotMagic) + 1 + 8 + sha256.Size
	maxSnapshot     = 512 << 20
)

// Image is what a snapshot holds. Nothing it points to is ever changed.
type Image struct {
	Placement *wire.Placement `json:"placement"`
	Deaths    []wire.Receipt  `json:"deaths"`
	History   []wire.Event    `json:"history"`
	Answers   []answer        `json:"answers"`
	Secrets   *secrets        `json:"secrets,omitempty"`
	Audited   []wire.Audited  `json:"audited,omitempty"`
	Tallies   *tallies        `json:"tallies,omitempty"`  // nil: nothing was counted, or an older build has written this
	Founding  bool            `json:"founding,omitempty"` // false: it has held a stream, or an older build has written this
}

// Image is the state as a snapshot holds it, to be written while commands go on.
func (s *State) Image() Image { return s.View().whole() }

// WriteTo writes the state as a snapshot.
func (s *State) WriteTo(w io.Writer) (int64, error) { return s.Image().WriteTo(w) }

// WriteTo writes the snapshot.
func (im Image) WriteTo(w io.Writer) (int64, error) {
	body, err := json.Marshal(im)
	if err != nil {
		return 0, err
	}
	n, err := w.Write(snapshotHeadOf(body))
	if err != nil {
		return int64(n), err
	}
	m, err := w.Write(body)
	return int64(n + m), err
}

func snapshotHeadOf(body []byte) []byte {
	head := make([]byte, 0, snapshotHead)
	head = append(head, snapshotMagic...)
	head = append(head, snapshotVersion)
	head = binary.BigEndian.AppendUint64(head, uint64(len(body)))
	sum := sha256.Sum256(body)
	return append(head, sum[:]...)
}

// ReadState reads a snapshot, all of it, and checks it.
func ReadState(r io.Reader) (*State, error) {
	head := make([]byte, snapshotHead)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, fmt.Errorf("%w: the head is cut short: %w", ErrSnapshot, err)
	}
	rest, ok := bytes.CutPrefix(head, []byte(snapshotMagic))
	if !ok {
		return nil, fmt.Errorf("%w: it does not begin with %s", ErrSnapshot, snapshotMagic)
	}
	if v := rest[0]; v != snapshotVersion {
		return nil, fmt.Errorf("%w: snapshot version %d is not readable by this build (want %d): run the build that wrote it, or take this node out and join it again under another name with an empty directory",
			ErrSnapshotVersion, v, snapshotVersion)
	}
	size := binary.BigEndian.Uint64(rest[1:9])
	if size > maxSnapshot {
		return nil, fmt.Errorf("%w: it announces %d bytes, at most %d", ErrSnapshot, size, maxSnapshot)
	}
	// Grown as it is read: the announced size alone must not cost memory.
	var body bytes.Buffer
	n, err := io.Copy(&body, io.LimitReader(r, int64(size)))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSnapshot, err)
	}
	if n != int64(size) {
		return nil, fmt.Errorf("%w: %d bytes of %d", ErrSnapshot, n, size)
	}
	if sum := sha256.Sum256(body.Bytes()); !bytes.Equal(sum[:], rest[9:]) {
		return nil, fmt.Errorf("%w: the checksum does not fit", ErrSnapshot)
	}
	if _, err := io.ReadFull(r, head[:1]); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: it goes on behind its end", ErrSnapshot)
	}
	return stateOf(body.Bytes())
}

func stateOf(body []byte) (*State, error) {
	var im Image
	if err := json.Unmarshal(body, &im); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSnapshot, err)
	}
	if im.Placement == nil {
		return nil, fmt.Errorf("%w: it holds no placement", ErrSnapshot)
	}
	s := NewState()
	s.adopt(im.Placement.Index(), im.Placement.Version)
	if im.Secrets != nil {
		s.secrets = *im.Secrets
	}
	if im.Tallies != nil {
		s.tallies = *im.Tallies
	}
	s.founding = im.Founding
	s.record.history = append(s.record.history, im.History...)
	s.record.deaths = append(s.record.deaths, im.Deaths...)
	s.record.audited = append(s.record.audited, im.Audited...)
	for _, a := range im.Answers {
		s.record.answer(a.ID, a.Result)
	}
	if err := s.Check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSnapshot, err)
	}
	return s, nil
}
