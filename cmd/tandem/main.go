package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"tandem/internal/obs"
	"tandem/internal/serve"
	"tandem/internal/setting"
)

func main() {
	serve.WatchParent()
	code := dispatch(context.Background(), os.Args[1:], &stdout{file: os.Stdout}, lateStderr{})
	obs.Flush()
	os.Exit(code)
}

// lateStderr is where a command says why it ends: that is known when it does. One line for
// who reads a log or a pipe; on a terminal words are not cut in two.
type lateStderr struct{}

func (lateStderr) Write(p []byte) (int, error) {
	if terminal(&stdout{file: os.Stderr}) {
		p = []byte(setting.Wrap(string(p), 0) + "\n")
	}
	return obs.Stderr().Write(p)
}

// commands is the table of subcommands, in the order of the help.
func commands() []command {
	return []command{
		demoCommand(), killCommand(), stopCommand(), startCommand(), originCommand(), edgeCommand(), lbCommand(), nodeCommand(),
		statusCommand(), edgesCommand(), streamsCommand(), sessionsCommand(),
		clusterCommand(), drainCommand(), resumeCommand(), removeCommand(), acceptCommand(), unplaceCommand(), purgeCommand(), upstreamsCommand(), keysCommand(), auditCommand(),
		ticketCommand(), joinCommand(), revokeCommand(), operatorCommand(), readyCommand(),
		simCommand(), benchCommand(), configCommand(), versionCommand(),
	}
}

// dispatch runs the command that args name and returns the exit code.
func dispatch(ctx context.Context, args []string, out, errs io.Writer) int {
	err := choose(ctx, args, out)
	if s, ok := out.(*stdout); ok && (err == nil || errors.Is(err, setting.ErrHelp)) {
		err = cmp.Or(s.lost(), err)
	}
	switch {
	case err == nil, errors.Is(err, setting.ErrHelp):
		return 0
	case errors.As(err, new(*setting.UsageError)):
		fmt.Fprintln(errs, "tandem:", oneLine(err))
		return 2
	case errors.Is(err, fs.ErrPermission) && strings.Contains(err.Error(), "--data: "):
		fmt.Fprintf(errs, "tandem: %s: give the directory to the user that this runs as, whose id is %d\n", oneLine(err), os.Getuid())
		return 1
	default:
		fmt.Fprintln(errs, "tandem:", oneLine(err))
		return 1
	}
}

func choose(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 {
		return setting.Usage("a command is missing (tandem --help lists them)")
	}
	switch args[0] {
	case "-h", "--help", "help":
		if len(args) > 1 && !slices.Contains([]string{"-h", "--help", "help"}, args[1]) {
			return choose(ctx, []string{args[1], "--help"}, out)
		}
		overview(out)
		return nil
	case "--version", "-version":
		return choose(ctx, []string{"version"}, out)
	}
	var names []string
	for _, c := range commands() {
		if c.name == args[0] {
			return c.start(ctx, args[1:], out)
		}
		names = append(names, c.name)
	}
	return setting.Usage("there is no command %q%s (tandem --help lists them)", args[0], setting.Meant(args[0], names))
}

func overview(out io.Writer) {
	fmt.Fprint(out, "tandem: a media edge cluster: any edge can be killed and no viewer sees it\n\n  tandem COMMAND [--flag value ...]\n\n")
	for _, c := range commands() {
		fmt.Fprintf(out, "  %-9s %s\n", c.name, setting.Wrap(c.summary, 12))
	}
	fmt.Fprint(out, "\ntandem COMMAND --help tells more. Start with: tandem demo\n")
}

// oneLine joins the lines of an error, as errors.Join makes them.
func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }
