package main

import (
	"context"
	"io"
	"strings"
	"time"

	"tandem/internal/setting"
	"tandem/internal/wire"
)

func auditCommand() command {
	c := &client{}
	return command{
		name:    "audit",
		summary: "what operators have asked: who, from where, what, and the answer",
		about: "The last 1000 orders to all balancers, newest first; each balancer knows them all, also those to one\n" +
			"that is dead. Older ones are in the log of the balancer that was asked (\"message\":\"operator\").",
		example: "tandem audit\ntandem audit --json",
		rows:    c.listRows,
		run: func(ctx context.Context, args []string, out io.Writer) error {
			if len(args) > 0 {
				return setting.Usage("audit: want nothing behind it")
			}
			return show(ctx, c, "/api/v1/audit", out, auditTable)
		},
	}
}

func auditTable(out io.Writer, all []wire.Audited) {
	t := newTable("WHEN", "WHO", "ROLE", "BY", "FROM", "ASKED", "WHAT", ">ANSWER")
	for _, a := range all {
		t.add(time.UnixMilli(a.Time).Format(time.DateTime), a.Who, a.Role, a.By, a.From, a.Node, a.Method+" "+strings.TrimPrefix(a.Path, "/api/v1"), a.Status)
	}
	t.spare = []int{3, 2, 5, 4} // --json has all
	t.print(out)
}
