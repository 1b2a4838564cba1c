package setting

import (
	"flag"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Row is one setting.
type Row struct {
	Name    string // as a flag: lower case, words joined by '-'
	Unit    string // what a bare number counts, or the form of the value
	Default string
	Min     string // empty: no bound
	Max     string
	Help    string // a sentence
	Reload  bool   // it may change while the role runs (SIGHUP)
	Value   flag.Value
}

// Reloadable is the row of a setting that may change while the role runs.
func (r Row) Reloadable() Row {
	r.Reload = true
	return r
}

// value is a flag.Value made of two functions.
type value struct {
	set  func(string) error
	text func() string
	bool bool
}

func (v *value) Set(s string) error { return v.set(s) }

// String is also called by package flag on a zero value.
func (v *value) String() string {
	if v.text == nil {
		return ""
	}
	return v.text()
}

// IsBoolFlag lets --name stand for --name=true.
func (v *value) IsBoolFlag() bool { return v.bool }

// String is a text setting.
func String(p *string, name, def, help string) Row {
	*p = def
	return Row{Name: name, Unit: "text", Default: def, Help: help, Value: &value{
		set:  func(s string) error { *p = s; return nil },
		text: func() string { return *p },
	}}
}

// Int is a whole number from lowest to highest. A default below that is none: it is not
// stated, and can't be.
func Int(p *int, name string, def, lowest, highest int, unit, help string) Row {
	*p = def
	text := func() string {
		if *p < lowest {
			return ""
		}
		return strconv.Itoa(*p)
	}
	return Row{
		Name: name, Unit: unit, Default: text(), Min: strconv.Itoa(lowest), Max: strconv.Itoa(highest), Help: help,
		Value: &value{
			set: func(s string) error {
				n, err := strconv.Atoi(s)
				if err != nil || n < lowest || n > highest {
					return fmt.Errorf("want a whole number from %d to %d", lowest, highest)
				}
				*p = n
				return nil
			},
			text: text,
		},
	}
}

// Bool is true or false.
func Bool(p *bool, name string, def bool, help string) Row {
	*p = def
	return Row{Name: name, Unit: "true or false", Default: strconv.FormatBool(def), Help: help, Value: &value{
		bool: true,
		set: func(s string) error {
			b, err := strconv.ParseBool(s)
			if err != nil {
				return fmt.Errorf("want true or false")
			}
			*p = b
			return nil
		},
		text: func() string { return strconv.FormatBool(*p) },
	}}
}

// Duration is a time with its unit: 200ms, 3s, 10m.
func Duration(p *time.Duration, name string, def, lowest, highest time.Duration, help string) Row {
	*p = def
	return Row{
		Name: name, Unit: "duration", Default: def.String(), Min: lowest.String(), Max: highest.String(), Help: help,
		Value: &value{
			set: func(s string) error {
				d, err := time.ParseDuration(s)
				if err != nil || d < lowest || d > highest {
					return fmt.Errorf("want a duration with its unit from %s to %s, like 250ms", lowest, highest)
				}
				*p = d
				return nil
			},
			text: func() string { return p.String() },
		},
	}
}

// Bytes is a size: 4096, 64KiB, 10GB.
func Bytes(p *int64, name string, def, lowest, highest int64, help string) Row {
	*p = def
	return Row{
		Name: name, Unit: "bytes", Default: FormatBytes(def), Min: FormatBytes(lowest), Max: FormatBytes(highest), Help: help,
		Value: &value{
			set: func(s string) error {
				n, err := ParseBytes(s)
				if err != nil || n < lowest || n > highest {
					return fmt.Errorf("want a size from %s to %s, like 64MiB", FormatBytes(lowest), FormatBytes(highest))
				}
				*p = n
				return nil
			},
			text: func() string { return FormatBytes(*p) },
		},
	}
}

// listUnit is the unit of a List, and of nothing else.
const listUnit = "texts, parted by commas"

// what is the help where no unit stands beside it.
func (r Row) what() string {
	if r.Unit == listUnit {
		return r.Help + " (parted by commas)"
	}
	return r.Help
}

// List is texts parted by commas; given again it goes on.
func List(p *[]string, name, help string) Row {
	*p = nil
	return Row{Name: name, Unit: listUnit, Help: help, Value: &value{
		set: func(s string) error {
			for part := range strings.SplitSeq(s, ",") {
				if part = strings.TrimSpace(part); part != "" {
					*p = append(*p, part)
				}
			}
			return nil
		},
		text: func() string { return strings.Join(*p, ",") },
	}}
}
