package setting

import (
	"strings"
	"testing"
)

// What is wrong in a file is said in one line, with the file's own words: nothing of the
// parser's, no types of this program. What would be silence, a second document, is said.
func TestAFileThatIsWrongIsSaidInItsWords(t *testing.T) {
	type row struct {
		Name  string   `yaml:"name"`
		Paths []string `yaml:"paths"`
		Port  int      `yaml:"port"`
	}
	for text, want := range map[string]string{
		"":                             "",
		"# nothing\n":                  "",
		"\ufeffname: a\r\nport: 7\r\n": "",
		"---\nname: a\n---\n":          "",
		"---\nname: a\n...\n":          "",
		"name: a\nnaem: b\n":           `f.yaml: line 2: unknown key "naem"`,
		"paths: /a\nport: many\n":      "f.yaml: line 1: `/a` where a list is wanted; line 2: `many` where a whole number is wanted",
		"paths:\n\t- /a\n":             "f.yaml: line 2: a tab before the first word; YAML is indented by spaces",
		"name: a\n---\nport: 8\n":      "f.yaml: line 3: a second document begins (---); what is set stands in one",
		"name: a\nname: b\n":           `f.yaml: line 2: mapping key "name" already defined at line 1`,
		"- name: a\n":                  "f.yaml: line 1: something else where a list of name: value lines is wanted",
		"name: 'a\n":                   "f.yaml: ",
		"name: a: b\n":                 "f.yaml: mapping values are not allowed in this context",
		strings.Repeat("#", maxFile+1): "f.yaml: 1048577 bytes; at most 1048576",
	} {
		var into row
		err := Document("f.yaml", []byte(text), &into)
		switch {
		case err == nil && want == "":
		case err == nil, want == "", !strings.HasPrefix(err.Error(), want), strings.ContainsAny(err.Error(), "\n\t"), strings.Contains(err.Error(), "setting."), strings.Contains(err.Error(), " yaml:"):
			t.Errorf("%.60q: %v, want %q", text, err, want)
		}
	}
}

// A settings file is held to the same, and names the line of what it has twice.
func TestASettingsFileThatIsWrong(t *testing.T) {
	for text, want := range map[string]string{
		"\ufeffname: a\r\nport: 7\r\n": "",
		"name: a\n---\nport: 8\n":      "line 3: a second document begins",
		"\tname: a\n":                  "line 1: a tab before the first word",
		"name: a\nname: b\n":           "line 2: name is there twice; line 1 has it as well",
		"naem: a\n":                    `line 1: unknown key "naem"`,
		"port: 7s\n":                   `line 1: port: invalid value "7s": want a whole number from 1 to 9`,
		"port: [7]\n":                  "line 1: port: want a plain value, not a list",
		"just words\n":                 `line 1: want one "name: value" a line`,
		"port: ~\n":                    `line 1: port: invalid value "": want a whole number from 1 to 9`,
		"port:\n":                      `line 1: port: invalid value "": want a whole number from 1 to 9`,
	} {
		var name string
		var port int
		set := &Set{Command: "edge", Rows: []Row{String(&name, "name", "", "x"), Int(&port, "port", 5, 1, 9, "ports", "x")}}
		err := set.file([]byte(text), map[string]bool{})
		if (err == nil) != (want == "") || err != nil && !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
