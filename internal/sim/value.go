package sim

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// value is one place of the file: what stands there, and how to name it.
type value struct {
	node *yaml.Node
	path string // "steps[2].open.count"
}

// document reads the one YAML document of a file.
func document(text []byte) (value, error) {
	var doc, more yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(text))
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return value{}, errors.New("scenario: line 1: the file is empty; write edges and steps")
	} else if err != nil {
		return value{}, notYAML(err)
	}
	if err := dec.Decode(&more); err == nil {
		return value{}, fmt.Errorf("scenario: line %d: a second document; write one scenario a file", more.Line)
	} else if !errors.Is(err, io.EOF) {
		return value{}, notYAML(err)
	}
	if len(doc.Content) != 1 {
		return value{}, errors.New("scenario: line 1: the file is empty; write edges and steps")
	}
	return value{node: doc.Content[0]}, nil
}

func notYAML(err error) error {
	text := strings.Join(strings.Fields(strings.TrimPrefix(err.Error(), "yaml: ")), " ")
	if !strings.HasPrefix(text, "line ") {
		text = "line 1: " + text
	}
	return fmt.Errorf("scenario: %s; this is not YAML", text)
}

// wrong is an error about this place.
func (v value) wrong(format string, args ...any) error {
	line, path := 1, ""
	if v.node != nil {
		line = v.node.Line
	}
	if v.path != "" {
		path = v.path + ": "
	}
	return fmt.Errorf("scenario: line %d: %s%s", line, path, fmt.Sprintf(format, args...))
}

func (v value) child(key string, node *yaml.Node) value {
	if v.path != "" && !strings.HasPrefix(key, "[") {
		key = "." + key
	}
	return value{node: node, path: v.path + key}
}

// fields reads a mapping whose keys are all known and stand once; must is the
// one that has to be there.
func (v value) fields(must string, known map[string]func(value) error) error {
	if v.node.Kind != yaml.MappingNode {
		return v.wrong("want key: value pairs with the keys %s", keys(known))
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		key, node := v.node.Content[i], v.node.Content[i+1]
		at := value{node: key, path: v.path}
		read, ok := known[key.Value]
		if !ok || key.Kind != yaml.ScalarNode {
			return at.wrong("unknown key %s; known are %s", quoted(key.Value), keys(known))
		}
		if seen[key.Value] {
			return at.wrong("the key %s stands twice; keep one", key.Value)
		}
		seen[key.Value] = true
		if err := read(v.child(key.Value, node)); err != nil {
			return err
		}
	}
	if !seen[must] {
		return v.wrong("%s is missing; write %s: ...", must, must)
	}
	return nil
}

// each reads a list.
func (v value) each(most int, read func(value) error) error {
	if v.node.Kind != yaml.SequenceNode {
		return v.wrong("want a list")
	}
	if len(v.node.Content) > most {
		return v.wrong("%d entries; at most %d", len(v.node.Content), most)
	}
	for i, node := range v.node.Content {
		if err := read(v.child(fmt.Sprintf("[%d]", i), node)); err != nil {
			return err
		}
	}
	return nil
}

func (v value) number(to *int, least, most int) error {
	n, err := strconv.Atoi(v.scalar())
	if err != nil || n < least || n > most {
		return v.wrong("%s; want a whole number from %d to %d", quoted(v.scalar()), least, most)
	}
	*to = n
	return nil
}

func (v value) unsigned(to *uint64) error {
	n, err := strconv.ParseUint(v.scalar(), 10, 64)
	if err != nil {
		return v.wrong("%s; want a whole number, 0 or more", quoted(v.scalar()))
	}
	*to = n
	return nil
}

func (v value) oneOf(to *string, allowed ...string) error {
	for _, a := range allowed {
		if v.scalar() == a {
			*to = a
			return nil
		}
	}
	return v.wrong("%s; want %s", quoted(v.scalar()), strings.Join(allowed, " or "))
}

// name reads an edge's name: what may stand in a flag and a log line.
func (v value) name(to *string) error {
	name := v.scalar()
	ok := name != "" && len(name) <= 64
	for i := 0; ok && i < len(name); i++ {
		c := name[i]
		ok = c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '.' || c == '_'
	}
	if !ok {
		return v.wrong("%s is no edge's name; want 1 to 64 letters, digits, '-', '.' or '_'", quoted(name))
	}
	*to = name
	return nil
}

func (v value) text(to *string) error {
	text := v.scalar()
	if text == "" || len(text) > maxText || strings.ContainsAny(text, "\r\n") {
		return v.wrong("%s; want a name of 1 to %d bytes in one line", quoted(text), maxText)
	}
	*to = text
	return nil
}

// scalar is the text that stands here; what is no scalar has none, and so is
// refused by whoever wants one. An alias is one: a file says what it means.
func (v value) scalar() string {
	if v.node.Kind != yaml.ScalarNode || v.node.Tag == "!!null" {
		return ""
	}
	return v.node.Value
}

// quoted shows what was given, cut to what fits in a line.
func quoted(text string) string {
	if text == "" {
		return "nothing usable stands here"
	}
	if len(text) > 40 {
		text = text[:40] + "..."
	}
	return strconv.Quote(text)
}

func keys(known map[string]func(value) error) string {
	names := make([]string, 0, len(known))
	for name := range known {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
