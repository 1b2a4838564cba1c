package setting

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"sort"
	"strings"

	"go.yaml.in/yaml/v3"
)

// ErrHelp means that --help was asked for and has been answered.
var ErrHelp = errors.New("help was asked for")

// maxFile bounds the configuration file.
const maxFile = 1 << 20

// Set is the settings of one command.
type Set struct {
	Command string // "edge"
	Rows    []Row
	Getenv  func(string) string // os.Getenv when nil
	Environ func() []string     // all there is, NAME=VALUE; nil: variables that no setting has are not looked for
	Also    []string            // variables of the command that are no settings

	config string
}

// EnvName is the environment variable of a setting: TANDEM_EDGE_STORE_BYTES.
func (s *Set) EnvName(row string) string {
	return "TANDEM_" + strings.ToUpper(strings.ReplaceAll(s.Command+"_"+row, "-", "_"))
}

// Parse reads flags, environment and file into the rows' values. What is left
// of args after the flags is returned. ErrHelp: the help went to out.
func (s *Set) Parse(args []string, out io.Writer) ([]string, error) {
	given := map[string]bool{}
	flags := flag.NewFlagSet(s.Command, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&s.config, "config", "", "")
	for _, row := range s.Rows {
		flags.Var(&once{row: row, given: given}, row.Name, row.Help)
	}
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			s.help(out)
			return nil, ErrHelp
		}
		return nil, fmt.Errorf("%s: %s (tandem %s --help)", s.Command, s.flagError(err), s.Command)
	}
	if err := s.environment(given); err != nil {
		return nil, err
	}
	if s.config != "" {
		text, err := os.ReadFile(s.config)
		if err != nil {
			return nil, fmt.Errorf("--config: %w", err)
		}
		if err := s.file(text, given); err != nil {
			return nil, fmt.Errorf("%s: %w", s.config, err)
		}
	}
	return flags.Args(), nil
}

// names are those of all settings.
func (s *Set) names() []string {
	names := make([]string, 0, len(s.Rows))
	for _, row := range s.Rows {
		names = append(names, row.Name)
	}
	return names
}

// Texts are the present values, by setting.
func (s *Set) Texts() map[string]string {
	texts := make(map[string]string, len(s.Rows))
	for _, row := range s.Rows {
		texts[row.Name] = row.Value.String()
	}
	return texts
}

// once notes that a setting was given, so that what is weaker leaves it alone.
// It passes on the first error of the row's own value with what was given.
type once struct {
	row   Row
	given map[string]bool
}

func (o *once) String() string {
	if o.row.Value == nil {
		return ""
	}
	return o.row.Value.String()
}

func (o *once) Set(text string) error {
	o.given[o.row.Name] = true
	return o.row.Value.Set(text)
}

func (o *once) IsBoolFlag() bool {
	b, ok := o.row.Value.(interface{ IsBoolFlag() bool })
	return ok && b.IsBoolFlag()
}

func (s *Set) environment(given map[string]bool) error {
	getenv := s.Getenv
	if getenv == nil {
		getenv = os.Getenv
	}
	if s.config == "" {
		s.config = getenv(s.EnvName("config"))
	}
	for _, row := range s.Rows {
		text := getenv(s.EnvName(row.Name))
		if text == "" || given[row.Name] {
			continue
		}
		if err := row.Value.Set(text); err != nil {
			return fmt.Errorf("%s: invalid value %q: %w", s.EnvName(row.Name), text, err)
		}
		given[row.Name] = true
	}
	return s.strangers()
}

// file reads YAML: one key a setting, a list for a List.
func (s *Set) file(text []byte, given map[string]bool) error {
	if len(text) > maxFile {
		return fmt.Errorf("%d bytes; a configuration has at most %d", len(text), maxFile)
	}
	var doc yaml.Node
	if err := one(text, &doc); err != nil {
		return err
	}
	if len(doc.Content) == 0 {
		return nil
	}
	top := doc.Content[0]
	if top.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: want one \"name: value\" a line", top.Line)
	}
	lines := map[string]int{}
	for i := 0; i+1 < len(top.Content); i += 2 {
		key := top.Content[i]
		name := strings.ReplaceAll(key.Value, "_", "-")
		if before, twice := lines[name]; twice {
			return fmt.Errorf("line %d: %s is there twice; line %d has it as well", key.Line, key.Value, before)
		}
		lines[name] = key.Line
		if err := s.key(key, top.Content[i+1], given); err != nil {
			return err
		}
	}
	return nil
}

func (s *Set) key(key, val *yaml.Node, given map[string]bool) error {
	row, ok := s.row(key.Value)
	if !ok {
		return fmt.Errorf("line %d: unknown key %q%s (tandem config print %s lists them)", key.Line, key.Value, Meant(key.Value, s.names()), s.Command)
	}
	if given[row.Name] {
		return nil
	}
	values := []*yaml.Node{val}
	if val.Kind == yaml.SequenceNode {
		if row.Unit != listUnit {
			return fmt.Errorf("line %d: %s: want a plain value, not a list", val.Line, key.Value)
		}
		values = val.Content
	}
	for _, v := range values {
		if v.Kind != yaml.ScalarNode {
			return fmt.Errorf("line %d: %s: want a plain value", v.Line, key.Value)
		}
		if v.Tag == "!!null" { // a key without a value, or "~"
			v.Value = ""
		}
		if err := row.Value.Set(v.Value); err != nil {
			return fmt.Errorf("line %d: %s: invalid value %q: %w", v.Line, key.Value, v.Value, err)
		}
	}
	return nil
}

// row finds a setting by its key; '_' may stand for '-'.
func (s *Set) row(key string) (Row, bool) {
	key = strings.ReplaceAll(key, "_", "-")
	for _, row := range s.Rows {
		if row.Name == key {
			return row, true
		}
	}
	return Row{}, false
}

func (s *Set) help(out io.Writer) {
	rows := append([]Row{}, s.Rows...)
	sort.Slice(rows, func(i, j int) bool { return rows[i].Name < rows[j].Name })
	for _, row := range rows {
		def := ""
		if row.Default != "" {
			def = " (default " + row.Default + ")"
		}
		helpLine(out, row.Name, row.what()+def)
	}
	helpLine(out, "config", "YAML file with these names as keys")
}

// helpLine is what the help says of one flag: a name that is too long for its column has a
// line of its own.
func helpLine(out io.Writer, name, text string) {
	const column = 27
	head := fmt.Sprintf("  --%-22s ", name)
	if len(head) > column {
		head = fmt.Sprintf("  --%s\n%*s", name, column, "")
	}
	fmt.Fprintf(out, "%s%s\n", head, Wrap(text, column))
}

// flagError says of which flag it is in the words of this program.
func (s *Set) flagError(err error) string {
	text := err.Error()
	if name, ok := strings.CutPrefix(text, "flag provided but not defined: -"); ok {
		name = strings.TrimPrefix(name, "-")
		return "there is no flag --" + name + strings.Replace(Meant(name, s.names()), "mean ", "mean --", 1)
	}
	if name, ok := strings.CutPrefix(text, "flag needs an argument: -"); ok {
		return "--" + strings.TrimPrefix(name, "-") + " needs a value"
	}
	var value, name string
	if n, _ := fmt.Sscanf(text, "invalid value %q for flag -%s", &value, &name); n == 2 {
		_, why, _ := strings.Cut(text, " for flag -"+name+" ")
		return fmt.Sprintf("--%s %q: %s", strings.TrimSuffix(name, ":"), value, why)
	}
	return text
}
