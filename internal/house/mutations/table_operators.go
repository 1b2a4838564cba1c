package mutations

// rowsOfOperators are lines by which operators are told what is so.
var rowsOfOperators = []Mutation{
	{0, "segstore/files/writable.go", "case gone != nil:", "case gone != nil && false:", "edge.TestADirectoryThatIsGoneIsTold"},
	{0, "segstore/files/writable.go", "err == nil && os.SameFile(own, there)", "err == nil && there != nil && own != nil", "edge.TestADirectoryThatIsGoneIsTold"},
	{0, "raftfsm/disk.go", "|| err == nil && !os.SameFile(there, d.file))", "|| err == nil && there == nil)", "raftfsm.TestADirectoryThatIsGoneIsTold"},
	{0, "lb/control/ready.go", "if known && !listed {", "if false {", "lb.TestABalancerThatIsTakenOutGetsNoMoreViewers"},
	{0, "lb/control/liveness.go", "\tlameDuck(c)\n", "", "lb.TestABalancerThatIsTakenOutGetsNoMoreViewers"},
	{0, "lb/api/orders.go", "if !node.Released() && node.WaitLeader(ctx) != nil {", "if node.Released() && node.WaitLeader(ctx) != nil {", "lb.TestWithoutAMajorityNoOrderIsBegun"},
	{0, "lb/loads/loads.go", "if r.Life != old.report.Life {", "if r.Incarnation != old.report.Incarnation {", "lb/loads.TestSumsNeverRunBackwards"},
	{0, "lb/control/nodes.go", "if e.Incarnation == report.Incarnation {", "if e.Incarnation > 0 {", "lb.TestAClonesReportsHideNothing"},
	{0, "cmd/tandem/identity.go", "have.Node != ticket.Node || !same {", "have.Node == \"\" || !same {", "cmd/tandem.TestAJoinTakesNoOthersPlace"},
	{0, "internal/serve/sockets.go", "if err != nil || !listens(p.file) {", "if err != nil {", "internal/serve.TestASocketThatDoesNotListenIsRefused"},
	{0, "cmd/tandem/client.go", " || said.Reason == api.ReasonItself {", " {", "cmd/tandem.TestAnOrderAboutABalancerGoesToAnotherOne"},
	{0, "cmd/tandem/client.go", "if said.old && method == http.MethodGet {", "if said.old && method == http.MethodHead {", "cmd/tandem.TestWhoseViewIsOldIsAskedLast"},
	{0, "lb/api/orders.go", "if err != nil { // as the order would be", "if false {", "lb.TestAPreviewIsWhatTheOrderWouldBeTold"},
	{0, "origin/origin.go", ", err == nil && !os.SameFile(own, there):", ", err == nil && own == there:", "origin.TestAMediaDirectoryThatIsGoneIsTold"},
	{0, "cmd/tandem/client.go", "if unable == nil || !no.old {", "if unable == nil || no.old {", "cmd/tandem.TestAnOrderAboutABalancerGoesToAnotherOne"},
	{0, "lb/loads/loads.go", "if r.Before != nil {", "if false {", "lb/loads.TestSumsNeverRunBackwards"},
}
