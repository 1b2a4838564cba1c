package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"strings"
	"syscall"

	"tandem/internal/setting"
)

// command is one subcommand.
type command struct {
	name    string
	args    string // what comes after the flags, for the help: "EDGE"
	summary string // a line
	about   string // further lines of the help
	example string
	rows    func() []setting.Row // makes the settings, with their defaults set
	run     func(ctx context.Context, args []string, out io.Writer) error
	serve   func(ctx context.Context, again *reread) error // in place of run: a role, which heeds signals itself
}

// start parses the settings and runs the command.
func (c command) start(ctx context.Context, args []string, out io.Writer) error {
	set := c.settings()
	var flags bytes.Buffer
	rest, err := set.Parse(flagsFirst(set.Rows, args), &flags)
	if errors.Is(err, setting.ErrHelp) {
		c.help(out, flags.String())
		return err
	}
	if err != nil {
		return setting.Wrong(err)
	}
	if c.args == "" && len(rest) > 0 {
		return setting.Usage("%s: %q is too much, it takes flags only (tandem %s --help)", c.name, rest[0], c.name)
	}
	if c.serve != nil {
		return c.serve(ctx, &reread{command: c.name, args: args, texts: set.Texts()})
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	return c.run(ctx, rest, out)
}

// settings makes the command's table.
func (c command) settings() *setting.Set {
	set := &setting.Set{Command: c.name, Getenv: environment}
	if c.rows != nil {
		set.Rows = c.rows()
	}
	if c.serve != nil {
		strict(set)
	}
	return set
}

func (c command) help(out io.Writer, flags string) {
	fmt.Fprintln(out, setting.Wrap("tandem "+c.name+": "+c.summary, 0))
	if c.about != "" {
		fmt.Fprintf(out, "\n%s\n", setting.Wrap(c.about, 0))
	}
	args := c.args
	if args != "" {
		args = " " + args
	}
	fmt.Fprintf(out, "\n  %s\n\n%s", setting.Wrap("tandem "+c.name+" [--flag value ...]"+args, 2), flags)
	fmt.Fprintf(out, "\nEach flag can also come from the environment: --name from %s.\n", (&setting.Set{Command: c.name}).EnvName("name"))
	if c.example != "" {
		fmt.Fprintf(out, "\nExample:\n  %s\n", strings.ReplaceAll(c.example, "\n", "\n  "))
	}
}

// flagsFirst moves the flags in front of the other arguments, so that
// `tandem drain edge-2 --admin URL` works: package flag stops at the first
// argument that is no flag.
func flagsFirst(rows []setting.Row, args []string) []string {
	alone := map[string]bool{"h": true, "help": true}
	for _, row := range rows {
		b, ok := row.Value.(interface{ IsBoolFlag() bool })
		alone[row.Name] = ok && b.IsBoolFlag()
	}
	var flags, rest []string
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			rest = append(rest, args[i+1:]...)
			break
		}
		if !strings.HasPrefix(arg, "-") || arg == "-" {
			rest = append(rest, arg)
			continue
		}
		flags = append(flags, arg)
		name := strings.TrimLeft(arg, "-")
		if strings.Contains(name, "=") || alone[name] {
			continue
		}
		if i++; i == len(args) {
			return flags // the last one lacks its value, which package flag has to see
		}
		flags = append(flags, args[i])
	}
	return append(append(flags, "--"), rest...)
}
