package main

import (
	"context"
	"fmt"
	"io"

	"tandem/internal/operator"
	"tandem/internal/setting"
)

func operatorCommand() command {
	role := "operator"
	return command{
		name: "operator", args: "NAME",
		summary: "draw an operator's token, and the row for the operators' file",
		about: "The token is shown once: it goes into TANDEM_TOKEN, a --token-file, or the dashboard's login.\n" +
			"The file keeps a hash of it. Roles: viewer sees, operator gives orders, admin changes who is trusted.",
		example: "tandem operator anna --role admin",
		rows: func() []setting.Row {
			return []setting.Row{setting.String(&role, "role", "operator", "viewer, operator or admin.")}
		},
		run: func(_ context.Context, args []string, out io.Writer) error {
			if len(args) != 1 || !operator.IsName(args[0]) {
				return setting.Usage("operator: want one NAME, of 1 to %d bytes", operator.MaxName)
			}
			r, err := operator.ParseRole(role)
			if err != nil {
				return setting.Usage("--role: %w", err)
			}
			token, hash := operator.NewToken()
			fmt.Fprintf(out, "token: %s\nrow, under `tokens:` of the operators' file:\n  - {name: %q, role: %s, hash: %s}\n", token, args[0], r, hash)
			return nil
		},
	}
}
