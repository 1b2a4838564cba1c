package mutations

// rowsOfClaims are lines of claims that a stranger broke first, and no test noticed.
var rowsOfClaims = []Mutation{
	{2, "internal/ring/choose.go", "return int(a.ID) - int(b.ID)", "return 0", "internal/ring.TestPairsAreLookedAtFromTheSmallestNumber"},
	{4, "internal/ring/choose.go", "if !f.stores(q.Low) && !f.stores(q.High) {", "if !f.stores(q.High) {", "internal/ring.TestAPairStoresWhatOneOfItsMembersStores"},
	{4, "internal/ring/choose.go", "hot = f.HotShare > 0\n	for", "hot = f.HotShare >= 0\n	for", "internal/ring.TestWhenAStreamIsHot"},
	{4, "internal/ring/choose.go", "hot = hot && f.busy(p, q, placed)", "hot = f.busy(p, q, placed)", "internal/ring.TestWhenAStreamIsHot"},
	{4, "internal/ring/choose.go", "f.Delivering[q.Low] + f.Delivering[q.High]", "f.Delivering[q.Low]", "internal/ring.TestWhenAStreamIsHot"},
	{1, "internal/ring/choose.go", "string{lowOf, highOf}", "string{lowOf}", "internal/ring.TestWhoeverHasRoomInEitherPairGetsANewStream"},
	{13, "internal/ring/choose.go", "				order, why = refused, wire.ReasonCluster", "				_, _ = order, why", "internal/ring.TestWhoStoresAStreamAndHasNoRoomIsPassedBy"},
	{13, "internal/ring/choose.go", "case f.open(p, q, edge) && f.survives(p):", "case f.survives(p):", "internal/ring.TestHowFarAStandInGoes"},
	{13, "internal/ring/choose.go", "return sessions <= room-largest", "return sessions < room-largest", "internal/ring.TestHowFarAStandInGoes"},
	{8, "internal/ring/choose.go", "if r.Low == q.Low && r.High == q.High ||", "if r.Low == q.Low ||", "internal/ring.TestOnlyWhatTheSameTwoShareCountsInTheirPair"},
	{11, "internal/ring/route.go", "if member != edge && HasCopy(state(p, member)) {", "if HasCopy(state(p, member)) {", "internal/ring.TestWhoDeliversASlotAndWhoGoesOn"},
	{19, "internal/ring/route.go", "	slot = InTable(pair, slot)\n", "", "internal/ring.TestATokenBeyondTheTableIsItsLastSlots"},
	{19, "internal/ring/route.go", "sort.Ints(cuts)", "sort.Ints(cuts[:1])", "internal/ring.TestPartsOfATable"},
	{5, "internal/ring/route.go", "wire.NameHash(key)>>32&1 == 1", "wire.NameHash(key)>>32&1 == 2", "internal/ring.TestWhoFillsAKey"},
	{5, "internal/ring/membership.go", "copy(next.Edges, members)", "copy(next.Edges, next.Edges)", "internal/ring.TestEdgesStandInTheOrderOfTheirPairs"},
	{12, "internal/ring/route.go", "stands[a.Edge] = true", "stands[a.Edge] = false", "internal/ring.TestWhoStandsIn"},
	{12, "internal/ring/route.go", "return s == wire.EdgeDown || s == wire.EdgeRecovering", "return s == wire.EdgeDown", "internal/ring.TestWhoStandsIn"},
	{20, "internal/ring/settle.go", "plan.Excess = append(plan.Excess, EdgeExcess{Edge: e.Name, Over: s.arcs[a].room})", "_ = e", "internal/ring.TestWhoIsAboveItsCapacityIsTold"},
	{18, "internal/ring/table.go", "copy(words, t.words)", "copy(words, t.words[:0])", "internal/ring.TestATableOfManySlots"},
	{18, "internal/ring/table.go", "case have > low:", "case have < low:", "internal/ring.TestATableOfManySlots"},
	{3, "edge/member/report.go", "silence.Every(ctx, m.cfg.ReportEvery,", "silence.Every(ctx, 2*m.cfg.ReportEvery,", "edge/member.TestNoticesAndReportsGoOutAtTheirIntervals"},
	{10, "edge/member/notices.go", "m.tables.tell(ctx, m.cfg.NoticeEvery,", "m.tables.tell(ctx, 2*m.cfg.NoticeEvery,", "edge/member.TestNoticesAndReportsGoOutAtTheirIntervals"},
	{0, "edge/ends/ends.go", "const kept = 4", "const kept = 1", "edge/member.TestWhoHasLeftASlotBeforeAnotherIsNotToldAgain"},
	{0, "edge/member/notice.go", "			t.ended.Note(c.Slot, s.generation, seen)\n", "			_ = s\n", "edge/member.TestWhoHearsOfAnotherThatHasLeftKnowsThatTheOneBeforeHas"},
}
