package mutations

// rowsOfTrust are lines by which nobody opens more than he was let into.
var rowsOfTrust = []Mutation{
	{0, "internal/access/policy.go", "\t\tn++", "\t\t_ = n", "internal/access.TestCATsClaimsNarrowWhatItOpens"},
	{0, "internal/access/policy.go", "if protected.Climbs(shown.Target) {", "if false {", "internal/access.TestNoTokenOpensWhereAPathClimbs"},
	{0, "internal/access/jwt.go", "|| alone != nil ||", "|| alone != nil && err != nil ||", "internal/access.TestWhatAJWTSaysOfPathsIsReadNarrowly"},
	{0, "internal/access/cose.go", "if said && !ok {", "if said && false && !ok {", "internal/access.TestCATThatIsWrittenOddlyOpensNothing"},
	{0, "internal/access/cat.go", "if strings.EqualFold(text, \"Host\") {", "if false {", "internal/access.TestCATsClaimsNarrowWhatItOpens"},
	{0, "internal/protected/canonical.go", "for range decodings {", "for range decodings - 2 {", "internal/protected.TestWhatClimbsIsKnown"},
	{0, "internal/secret/secret.go", "entropy(unforetold(text))", "entropy(text)", "internal/secret.TestTextThatCanBeGuessedIsRefused"},
	{0, "lb/proxy/head.go", ", h.refusesNode():", ":", "lb/proxy.TestARefusalOfThisBalancerIsNoViewers"},
	{0, "lb/control/misfits.go", "why != nil && why.Text != refusesUs {", "why != nil {", "lb/control.TestWhoMostNodesRefuseIsShutOut"},
	{0, "lb/control/misfits.go", "return 2*refuse > nodes", "return refuse > 0", "lb/control.TestWhoMostNodesRefuseIsShutOut"},
	{0, "edge/upstream/dial.go", "if identity.Altered(err) && !errors", "if !identity.Altered(err) && !errors", "edge/upstream.TestAHandshakeThatWasAlteredIsBegunOnceMore"},
	{0, "internal/operator/oidc.go", "said && party != f.oidc.clientID {", "said && party == nil {", "internal/operator.TestLoginByTheIssuersWord"},
	{0, "internal/operator/oidc.go", " || id.Subject == \"\" {", " {", "internal/operator.TestLoginByTheIssuersWord"},
	{0, "internal/operator/gate.go", "|| !unicode.IsPrint(c) {", "|| unicode.IsControl(c) && c > 0x2000 {", "internal/operator.TestAnAuditHoldsTextAlone"},
	{0, "internal/front/others/others.go", "<= toldMost {", "<= 1<<40 {", "internal/front/others.TestAStrangerIsToldLittle"},
	{0, "internal/front/others/others.go", "if c.node.Load() {", "if false {", "internal/front/others.TestAStrangerIsToldLittle"},
	{0, "internal/front/others/others.go", "_ = c.SetWriteDeadline(time.Now().Add(c.limit))", "", "internal/front/others.TestAStrangerThatTakesNothingIsReset"},
	{0, "internal/rights/own.go", "ring.Watchers, a.peer.Node, a.self)", "ring.Watchers, a.peer.Node)", "internal/rights.TestWhatIsNotItsOwnIsRefused"},
}
