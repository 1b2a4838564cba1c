package setting

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"go.yaml.in/yaml/v3"
)

// Document reads the text of a file of YAML that is no list of settings, like the
// publishing points of an origin, into a value with yaml tags. A key that the value
// does not know is an error: a word written wrongly must not be silence.
func Document(file string, text []byte, into any) error {
	if len(text) > maxFile {
		return fmt.Errorf("%s: %d bytes; at most %d", file, len(text), maxFile)
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}
