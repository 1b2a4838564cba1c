package setting

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Document reads the text of a file of YAML that is no list of settings, like the
// publishing points of an origin, into a value with yaml tags. A key that the value
// does not know is an error: a word written wrongly must not be silence.
func Document(file string, text []byte, into any) error {
	if len(text) > maxFile {
		return fmt.Errorf("%s: %d bytes; at most %d", file, len(text), maxFile)
	}
	if err := one(text, into); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

// one reads text that is one document of YAML: of a second one, behind "---", nothing would
// count.
func one(text []byte, into any) error {
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(into); errors.Is(err, io.EOF) {
		return nil
	} else if err != nil {
		return said(text, err)
	}
	var second yaml.Node
	switch err := d.Decode(&second); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return said(text, err)
	}
	if len(second.Content) == 0 || second.Content[0].Tag == "!!null" { // nothing stands behind the line
		return nil
	}
	return fmt.Errorf("line %d: a second document begins (---); what is set stands in one", second.Content[0].Line)
}

// said is an error of the parser's in the words of who has written the file: no types of
// this program, one line.
func said(text []byte, err error) error {
	for i, line := range bytes.Split(text, []byte("\n")) {
		words := bytes.TrimLeft(line, " \t")
		if len(bytes.TrimSpace(words)) > 0 && bytes.IndexByte(line[:len(line)-len(words)], '\t') >= 0 {
			return fmt.Errorf("line %d: a tab before the first word; YAML is indented by spaces", i+1)
		}
	}
	var types *yaml.TypeError
	if !errors.As(err, &types) {
		return errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	}
	lines := make([]string, len(types.Errors))
	for i, line := range types.Errors {
		line = unknownKey.ReplaceAllString(line, `unknown key "$1"`)
		lines[i] = otherKind.ReplaceAllStringFunc(line, func(found string) string {
			parts := otherKind.FindStringSubmatch(found)
			return cmp.Or(parts[1], "something else") + " where " + kindOf(parts[2]) + " is wanted"
		})
	}
	return errors.New(strings.Join(lines, "; "))
}

// What the parser says of a key that a type does not have, and of a value of another kind.
var (
	unknownKey = regexp.MustCompile(`field (\S+) not found in type \S+`)
	otherKind  = regexp.MustCompile("cannot unmarshal !!\\w+(?: (`.*`))? into (\\S+)")
)

// kindOf is a type of Go in the words of YAML.
func kindOf(of string) string {
	switch {
	case strings.HasPrefix(of, "[]"):
		return "a list"
	case strings.HasPrefix(of, "int"), strings.HasPrefix(of, "uint"):
		return "a whole number"
	case strings.HasPrefix(of, "float"):
		return "a number"
	case of == "bool":
		return "true or false"
	case of == "string":
		return "a text"
	}
	return "a list of name: value lines"
}
