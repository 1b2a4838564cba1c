package mutations

// Table is what is broken, claim by claim, and behind them truths of ours. Add rows
// where a claim's code is; the test has to be one that the claim's row names.
var Table = []Mutation{
	{1, "internal/ring/choose.go", "Place: !known, Above", "Place: known, Above", "internal/ring.TestS106NobodyStoresItTheEdgeWithTheFewestSessions"},
	{2, "internal/ring/choose.go", `if best.Edge == "" || n < m || n == m &&`, `if best.Edge == "" || n > m || n == m &&`, "internal/ring.TestClaims2To4LeastLoadedOfAllThatStoreIt"},
	{2, "internal/ring/choose.go", "if !f.stores(edge) || !f.open(p, q, edge) {", "if !f.open(p, q, edge) {", "internal/ring.TestClaims2To4WhatIsStoredIsTheStoresWord"},
	{2, "internal/ring/choose.go", "order != refused && f.Delivering[edge] < f.Delivering[best.Edge]", "order != refused && f.Delivering[edge] > f.Delivering[best.Edge]", "internal/ring.TestS106NobodyStoresItTheEdgeWithTheFewestSessions"},
	{3, "lb/loads/loads.go", "stores[e.Name] = told || sent", "stores[e.Name] = told || sent || slices.Contains(placed, e.Name)", "lb.TestLoadSourceAsksWhoStoresTheStream"},
	{4, "internal/ring/choose.go", "n == m && f.Sum[q.ID] < f.Sum[best.Pair]", "n == m && f.Sum[q.ID] > f.Sum[best.Pair]", "internal/ring.TestClaims2To4LeastLoadedOfAllThatStoreIt"},
	{4, "internal/ring/choose.go", "return Choice{Edge: q.Low, Pair: q.ID} // S124", "return Choice{Edge: q.High, Pair: q.ID} // S124", "internal/ring.TestS124LowDelivers"},
	{5, "internal/ring/membership.go", "high = members[(i+1)%len(members)]", "high = members[(i+2)%len(members)]", "internal/ring.TestFormInNaturalOrder"},
	{8, "internal/ring/slot.go", "limits[i] = c * (sum - largest) / sum", "limits[i] = c", "internal/ring.TestOneDeathLosesNobody"},
	{8, "internal/ring/choose.go", "!f.full(p, q) && f.Delivering[edge] < f.Limits[edge]", "!f.full(p, q) && f.Delivering[edge] <= f.Limits[edge]", "internal/sim.TestFilledToTheLimitEachEdgeKilledInTurn"},
	{9, "internal/ring/choose.go", "return sum >= PairLimit(p, q)", "return sum > PairLimit(p, q)", "internal/ring.TestS122PairSumAtMaxGoesToTheNextPair"},
	{9, "internal/ring/slot.go", "if admission == PairAdmission || len(capacities) < 2 {", "if len(capacities) < 2 {", "internal/sim.TestTheNewestAreLostTheOldestPlayOn"},
	{6, "edge/multicast/receiver.go", "a.add(d.Offset, d.Body, now, true)", "a.add(d.Offset, d.Body[:0], now, true)", "edge.TestTheOriginSendsOnceToTheGroupAndTheHolesAreRepaired"},
	{6, "edge/fetch/pair.go", "return f.group.Destination()", `return ""`, "edge.TestTheOriginSendsOnceToTheGroupAndTheHolesAreRepaired"},
	{6, "origin/multicast.go", "d := *s.head\n", "d := *s.head\n	d.Offset = 1\n", "origin.TestTheGroupGetsTheObjectOnceAndTheAskerItsHeadAlone"},
	{6, "edge/fetch/cut.go", "|| !rules.Covers(r.Header.Get(\"Range\"), view.Available())", "", "edge.TestARepairWaitsForNothing"},
	{7, "edge/fetch/pair.go", "r.Header.Set(wire.HeaderDest, to)", "r.Header.Set(wire.HeaderVolatile, to)", "edge.TestTheOriginSendsTheSecondCopyToThePartner"},
	{7, "origin/deliver.go", "wire.HeaderPair: j.pair, wire.HeaderDigest", "wire.HeaderPair: \"\", wire.HeaderDigest", "origin.TestOriginSendsToTheEdgeThatIsNamed"},
	{10, "edge/prefetch/queue.go", "q[i].deadline.Compare(q[j].deadline)", "q[j].deadline.Compare(q[i].deadline)", "edge/prefetch.TestTheEarliestDeadlineComesFirst"},
	{11, "edge/member/notices.go", "ways = append(ways, noticeWay{t.pair.ID, name})", "ways = append(ways, noticeWay{t.pair.ID, name[:0]})", "edge.TestSessionsAreMirroredAndTakenOver"},
	{11, "edge/member/notices.go", "for _, t := range s.list() {", "for _, t := range s.list()[:1] {", "edge.TestBothNeighboursAreTold"},
	{12, "internal/ring/route.go", "v.Boundary(q.Boundary) > v.Boundary(q.Home)", "v.Boundary(q.Boundary) > q.Slots", "internal/ring.TestFigures16And17AndBack"},
	{13, "internal/ring/choose.go", "case f.FailSafe == FailSafeStrict:", "case f.FailSafe == FailSafeStrict && f.full(p, q):", "internal/ring.TestClaim13NeitherTheStandInNorItsPairGetsANewStream"},
	{13, "internal/ring/choose.go", "case !f.full(p, q) && f.Delivering[edge] < e.Capacity:", "case !f.full(p, q) && f.Delivering[edge] < min(e.Capacity, f.Limits[edge]):", "internal/ring.TestFailSafeWithRoom"},
	{13, "internal/ring/route.go", "return s == wire.EdgeDown || s == wire.EdgeRecovering", "return s != wire.EdgeUp", "internal/ring.TestFailSafeWithRoom"},
	{14, "raftfsm/state_edge.go", "e.State, e.Since = wire.EdgeRecovering, ch.version", "e.State, e.Since = wire.EdgeUp, ch.version", "raftfsm.TestEdgesThatComeBack"},
	{15, "internal/ring/watchers.go", "if member != edge && HasCopy(state(p, member)) {", "if member == edge && HasCopy(state(p, member)) {", "internal/ring.TestFigure15RecoveryStepsInOrder"},
	{16, "internal/wire/notice_codec.go", "	w.int(c.Seen)", "	w.int(c.Opened)", "internal/wire.TestNoticeArrivesAsItWasSent"},
	{17, "edge/prefetch/prefetch.go", "p.Ahead(&f.track, Ahead)", "p.Ahead(&f.track, 1)", "edge/member.TestTheNextTwoOfEveryTrackAreReady"},
	{18, "internal/ring/table.go", "n += bits.OnesCount64(t.words[boundary/64] & (1<<rest - 1))", "n += bits.OnesCount64(t.words[boundary/64])", "internal/ring.TestTableAgreesWithAModel"},
	{18, "internal/ring/table.go", "if !t.Has(slot) {\n					t.Set(slot)\n", "if !t.Has(slot + 1) {\n					t.Set(slot)\n", "internal/ring.TestTableAgreesWithAModel"},
	{19, "internal/ring/route.go", "	if slot < pair.Boundary {", "	if slot <= pair.Boundary {", "internal/ring.TestFigure12NoticeChangesOnlyItsOwnSide"},
	{20, "internal/ring/settle.go", "s.spare[i] = Grants(p, e.Name)", "s.spare[i] = 2 * Grants(p, e.Name)", "internal/ring.TestFigure14OverflowHandsTwoSlotsOn"},
	{20, "internal/ring/spill.go", "return d.t.Split(low, d.near), nil", "return d.near, nil", "internal/sim.TestFigure14OverflowGoesToTheFurtherNeighbour"},
	{21, "internal/ring/flow.go", "g.arcs[g.via[n]^1].room += amount", "g.arcs[g.via[n]^1].room += 0", "internal/sim.TestFigure14OverflowGoesToTheFurtherNeighbour"},
	{22, "edge/member/notice.go", "if knows.news[kind] != s.news[kind] {", "if knows.news[kind] > s.news[kind] {", "edge/member.TestWhatChangesUnderANoticeIsToldByTheNext"},
	{23, "edge/member/positions.go", "m.tables.delivered(pair, slot, track, d.Inherited)", "_ = track", "edge.TestEveryTakeoverIsReadyInEveryTrack"},
	{24, "internal/ring/slot.go", "return slots - 1 - slot", "return slots - slot", "internal/ring.TestFigure10Mirror"},
	{24, "internal/ring/slot.go", "return wire.Run{From: MirrorBoundary(r.To, v.slots), To: MirrorBoundary(r.From, v.slots)}", "return wire.Run{From: Mirror(r.To, v.slots), To: Mirror(r.From, v.slots)}", "internal/ring.TestFigure10Mirror"},
	{25, "internal/ring/slot.go", "return slots - boundary", "return slots - 1 - boundary", "internal/ring.TestFigure13SilentLowGivesHighEverything"},
	{25, "internal/ring/settle.go", "d.high.want, d.near = taken, 0", "d.high.want, d.near = taken, q.Boundary", "internal/sim.TestFigure13HighDeliversAllOfSilentLow"},
	{26, "internal/ring/settle.go", "d.low.want, d.near = taken, q.Slots", "d.low.want, d.near = taken, q.Boundary", "internal/ring.TestFigures16And17AndBack"},
	{27, "internal/ring/flow.go", "d := at.dist + a.cost + g.potential[at.node] - g.potential[a.to]", "d := at.dist + g.potential[at.node] - g.potential[a.to]", "internal/ring.TestOverflowTakesTheShorterWay"},
	{27, "internal/ring/settle.go", "s.link(i, s.sink, left, 0)", "s.link(i, s.sink, left/2, 0)", "internal/sim.TestAnyFaultsKeepAllThatFits"},
	{28, "raftfsm/state_edge.go", "ch.settle(ring.AnchorHome)\n	ch.returned(e.Name)", "ch.settle(ring.AnchorCurrent)\n	ch.returned(e.Name)", "raftfsm.TestADeathAndAReturnAreTheDocumentsExample"},
	{29, "internal/ring/settle.go", "		d.near = q.Home", "		d.near = q.Boundary", "edge.TestAReturnedEdgeIsFilledByItsNeighbourAlone"},
	{30, "edge/member/recovery.go", "w != nil && w.whole < t.since", "w != nil && w.current < t.since", "edge/member.TestATableIsWholeWhenItsDelivererHasBeenToldAll"},
	{30, "edge/member/recovery.go", "} else if recovery.Due(p, m.cfg.Name) {", "} else if !recovery.Due(p, m.cfg.Name) {", "edge.TestAReturnedEdgeIsFilledByItsNeighbourAlone"},
	{31, "edge/member/positions.go", "if kind, ok := m.tables.kindIn(pair, slot, key); ok {", "if kind, ok := m.tables.kindIn(pair, slot, key); ok && false {", "edge.TestEveryTakeoverIsReadyInEveryTrack"},
	{17, "edge/member/recovery.go", "				m.next.have(ctx, m.tables.lists())\n", "", "edge.TestWhoReturnsHasThePlaylistsThatSessionsAreIn"},
	{0, "internal/ring/watchers.go", "if len(watch) == 1 {", "if len(watch) < 1 {", "internal/ring.TestWatchersAreWhoDeliversAndWhoWill"},
	{31, "edge/member/positions.go", "		return list.Next(ref, n)", "		return list.Next(ref, n-2)", "edge.TestEveryTakeoverIsReadyInEveryTrack"},
	{32, "internal/ring/settle.go", "if anchor == AnchorHome {", "if anchor != AnchorHome {", "internal/ring.TestFigures16And17AndBack"},
	{33, "internal/ring/settle.go", "		d.near = q.Home", "		d.near = q.Boundary", "internal/sim.TestFigure13HighDeliversAllOfSilentLow"},
	{34, "internal/ring/settle.go", "		d.near = q.Home", "		d.near = q.Boundary", "internal/ring.TestFigure15RecoveryStepsInOrder"},
	{35, "internal/ring/spill.go", "return d.t.Split(low, d.near), nil", "return d.t.Split(low, d.q.Boundary), nil", "internal/sim.TestFilledToTheLimitEachEdgeKilledInTurn"},
	{36, "edge/member/notice.go", "if s.seen == c.Seen && s.news == o.news[i] {", "if s.seen == c.Seen {", "edge/member.TestWhatChangesUnderANoticeIsToldByTheNext"},
	{36, "edge/member/session.go", "have.Target != \"\" && t.At < have.At", "have.Target != \"\" && t.At > have.At", "edge/member.TestWhatChangesUnderANoticeIsToldByTheNext"},
	{37, "edge/member/table.go", "if within(t.own, slot) && !within(before, slot) {", "if within(t.own, slot) && within(before, slot) {", "edge/member.TestTheNextTakeoverIsCountedAsWell"},
	{38, "internal/ring/preview.go", "return far(out[i]) < far(out[j])", "return far(out[i]) > far(out[j])", "internal/ring.TestFigure15RecoveryStepsInOrder"},
	{39, "internal/ring/route.go", "limits[members[i].Name] = max(limits[members[i].Name], n)", "limits[members[i].Name] = n", "internal/sim.TestFigures16And17And16Again"},

	// Tables are where they are needed before they are needed there.
	{0, "internal/ring/watchers.go", "holds = append(holds, after.Low, after.High)", "holds = append(holds, after.Low)", "internal/ring.TestWatchersOfARingThatChanges"},
	{0, "internal/ring/watchers.go", "e.State == wire.EdgeJoining && joinsBehind(p, e) == pair.Low", "e.State == wire.EdgePending && joinsBehind(p, e) == pair.Low", "internal/ring.TestWatchersOfARingThatChanges"},
	{0, "internal/ring/overlay.go", "!slices.Contains(dead, Life{e.Name, e.Incarnation})", "!slices.Contains(dead, Life{e.Name, e.Incarnation + 1})", "internal/ring.TestOverlayShowsTheDeadAndNothingElse"},
	{0, "raftfsm/state_ring.go", "case ch.c.Version < e.Since:", "case ch.c.Version < e.Since && e.State == wire.EdgeUp:", "raftfsm.TestDrainResumeRemove"},
	{0, "internal/ring/membership.go", "			q.Home = q.Boundary", "			q.Home = q.Slots / 2", "raftfsm.TestEveryRemovalGoesByOneWay"},
	{0, "internal/ring/route.go", "return s == wire.EdgeUp || s == wire.EdgeLeaving }", "return s == wire.EdgeUp }", "raftfsm.TestTwoNeighboursLeave"},
	{0, "raftfsm/state_edge.go", "e.Removing = known.Removing && known.State != wire.EdgeDown", "e.Removing = known.Removing", "raftfsm.TestARemovalIsTakenBack"},

	{0, "edge/member/notice.go", `return owner == t.me || owner == to || owner == ""`, "return owner == t.me", "edge/member.TestEntriesSurviveAnyEvening"},
	{0, "edge/member/notice.go", "|| named[slot] || news:", "|| named[slot] || news && !news:", "edge/member.TestAnEntryIsNotDroppedBeforeItIsToldToWhoDeliversIt"},
	{0, "edge/member/table.go", "w.told[slot] != knows && t.covers(slot, to)", "w.told[slot] != knows && t.covers(slot, to) && slot < 0", "edge/member.TestWhoTakesOverTellsWhatTheDeadMayNotHave"},
	{0, "edge/member/recovery.go", "w.current < t.since {", "w.heard < 1 {", "edge/member.TestATableIsWholeWhenItsDelivererHasBeenToldAll"},

	// Who finds a neighbour dead stands in where nobody can commit it, and nowhere else.
	{0, "edge/silence/standin.go", "silent() && !s.hasLeader() &&", "silent() &&", "edge/silence.TestWhereThereIsALeaderNobodyStandsInByItself"},
	{0, "edge/silence/standin.go", "		case answered:\n			s.Alive(life)\n", "		case answered:\n", "edge/silence.TestWithoutAMajorityANeighbourStandsInAndSaysSo"},
	{0, "edge/member/follow.go", "ring.Overlay(base, m.standIns.Lives(base))", "ring.Overlay(base, nil)", "edge.TestANeighbourStandsInWhereNobodyCanCommitADeath"},

	// What was taken over is ready in memory, or it is counted why not.
	{0, "edge/prefetch/memory_linux.go", "unix.Madvise(b, unix.MADV_POPULATE_READ)", "unix.Madvise(b, unix.MADV_RANDOM)", "edge/prefetch.TestWhatIsMadeReadyIsInMemory"},
	// A head is sealed for one edge, once, by who is a balancer still.
	{0, "internal/sealedhead/grants.go", "if !f.seen.take(number) {", "if !f.seen.take(number) && number == 0 {", "internal/sealedhead.TestWhatIsNotAsItWasSealedOpensNothing"},
	{0, "internal/sealedhead/grants.go", "return err == nil && !f.seen.has(number)", "return err == nil && !f.seen.has(number+1<<40)", "internal/sealedhead.TestARequestThatCameBeforeProvesNothing"},
	{0, "internal/sealedhead/grants.go", "return f, number, head, f.judge()", "return f, number, head, nil", "internal/sealedhead.TestWhatIsNotAsItWasSealedOpensNothing"},
	{0, "internal/sealedhead/grants.go", "if len(g.by) >= grantsMost {", "if len(g.by) >= 2*grantsMost {", "internal/sealedhead.TestGrantsAreBounded"},
	{0, "internal/sealedhead/window.go", "case n == 0 || n+windowSize <= w.highest:", "case n == 0:", "internal/sealedhead.TestEachNumberIsTakenOnce"},
	{0, "internal/sealedhead/window.go", "w.bits[i%windowSize/64] &^= 1 << (i % 64)", "w.bits[i%windowSize/64] &^= 2 << (i % 64)", "internal/sealedhead.TestEachNumberIsTakenOnce"},
	// What a token or a login grants has an end, and is what the file says now.
	{0, "internal/access/lifetime.go", "(r.maximum == 0 || issued.IsZero())", "r.maximum == 0", "internal/access.TestWhatATokenGrantsHasAnEnd"},
	{0, "internal/access/lifetime.go", "latest = issued.Add(r.maximum)", "latest = now.Add(r.maximum)", "internal/access.TestWhatATokenGrantsHasAnEnd"},
	{0, "internal/access/lifetime.go", "|| seconds > longest {", "{", "internal/access.TestTimesThatAreNoneOpenNothing"},
	{0, "internal/operator/gate.go", "Role: f.oidc.roleOf(v.Groups)", "Role: Admin", "internal/operator.TestALoginsRoleIsTheFilesOfNow"},
	{0, "cmd/tandem/identity.go", `	if arg != "-" {`, `	if arg != "" {`, "cmd/tandem.TestATicketComesByTheStandardInput"},
	{0, "internal/filewatch/filewatch.go", "!os.SameFile(a, b), ", "", "internal/filewatch.TestAReplacedFileIsAnother"},
	{0, "internal/serve/bounded.go", "		if ok {\n			return &counted", "		if ok || host != \"\" {\n			return &counted", "internal/serve.TestOperatorsConnectionsAreBounded"},
	// What is copied to whom, in which order, how fast, and how often it is compared.
	{0, "edge/recovery/copier.go", "if done && c.Now().Sub(last) < Every {", "if done && c.Now().Sub(last) < 2*Every {", "edge/recovery.TestWhatANeighbourHoldsIsComparedOnceALife"},
	{0, "edge/recovery/copier.go", "copyMark{of.Pair, from, edge.Incarnation, mine}", "copyMark{of.Pair, from, 0, mine}", "edge/recovery.TestWhatANeighbourHoldsIsComparedOnceALife"},
	{0, "edge/recovery/copier.go", "have.Stored.UnixMilli() >= it.Stored", "have.Stored.UnixMilli() > it.Stored", "edge/recovery.TestWhatIsHereOrNewerIsLeftAlone"},
	{0, "edge/recovery/copier.go", "return a.Hits > b.Hits", "return a.Hits < b.Hits", "edge/recovery.TestTheHottestComesFirstAtTheRate"},
	{0, "edge/recovery/copier.go", "	case <-time.After(delay):", "	default:", "edge/recovery.TestTheHottestComesFirstAtTheRate"},
	{0, "edge/recovery/due.go", "			if heir == me {", "			if heir != me {", "edge/recovery.TestWhoseCopyIsWaitedFor"},
	{0, "edge/recovery/stored.go", "range []bool{true, false}", "range []bool{false, true}", "edge/recovery.TestStreamsThatArePlacedAreToldFirst"},
	// What comes next is ready before a death is said.
	{0, "edge/member/tables.go", "seat.Of = t.owner(slot)", "seat.Of = t.owner(slot)[:0]", "edge.TestWhatComesNextIsReadyAtTheFirstSign"},
	{0, "edge/member/notices.go", "		m.foresight.sign(to)\n", "", "edge.TestWhatComesNextIsReadyAtTheFirstSign"},
	{0, "edge/member/report.go", "m.foresight.sign(name)", "_ = name", "edge.TestWhatComesNextIsReadyAtTheFirstSign"},
	{0, "lb/api/orders.go", "case kind == raftfsm.Drain && e.State == wire.EdgeUp:\n			a.deps", "case false:\n			a.deps", "lb.TestAPlannedTakeoverIsForetold"},
	{0, "raftfsm/state_capacity.go", "ch.before.Streams.Len() == 0 && !ch.c.Held", "ch.before.Streams.Len() == 0", "raftfsm.TestAnIdleClusterIsNotANewOne"},
	{0, "raftfsm/state_capacity.go", "e.Capacity = least", "_ = least", "raftfsm.TestWhoStatesNoCapacityLowersNobodysLimit"},
	{0, "edge/member/silent.go", "			m.foresight.sign(edge)\n", "			_ = edge\n", "edge/member.TestSilenceIsForeseenAnIntervalBefore"},
	{10, "edge/member/takeover.go", "a.jobs, a.foreseen = before.jobs[kind], true", "a.foreseen = true", "edge/member.TestWhatComesNextIsForeseen"},
	{0, "edge/member/recovery.go", "return t.comes(p, slot) }", "return false }", "edge.TestEveryTakeoverIsReadyInEveryTrack"},
	{0, "edge/prefetch/prefetch.go", "anyhow: last.IsZero(),", "anyhow: false,", "edge/prefetch.TestAManifestIsAskedForAnyhowOnce"},
	{0, "edge/prefetch/prefetch.go", "case <-jobs[0].ended:", "default:", "edge/prefetch.TestTheNextSegmentIsAwaited"},
	{0, "edge/manifests.go", "if x.inherited {", "if x.slot < 0 {", "edge.TestAPlaylistWaitsForTheSegmentThatItLists"},
	{0, "edge/fetch/peer.go", "		if o.stale {", "		if o.stale && !onlyCached {", "edge.TestWhatIsNoLongerFreshIsCopiedToo"},
	{0, "edge/fetch/manifest.go", "range ring.Holders(p, q) {", "range ring.Holders(p, q)[:1] {", "edge.TestALivePlaylistReachesWhoWillDeliver"},
	{0, "edge/prefetch/prefetch.go", "p.renewSoon(f, now)", "_ = now", "edge.TestALiveTakeoverIsReady"},
	{0, "edge/member/progress.go", "if first && n.takeover != nil {", "if n.takeover != nil {", "edge/member.TestAResponseThatWasOnItsWayIsNoFirstRequest"},
	{0, "edge/prefetch/prefetch.go", "j.state.Store(int32(Failed))", "_ = err", "edge/member.TestWhatWasNotReadyIsCountedByItsCause"},

	{0, "edge/fetch/view.go", "return off.incarnation == e.Incarnation && v.now()", "_ = e\n	return v.now()", "edge/fetch.TestANewLifeIsNotBackedOff"},

	{0, "edge/member/tables.go", "	if sameRing(before, p) {", "	if sameRing(before, p) && false {", "edge/member.TestAllocationsOfANewStreamDoNotGrowWithTheRing"},

	// Two that die in one moment take no table with them.
	{0, "internal/ring/watchers.go", "const tellers = 3", "const tellers = 2", "edge.TestTwoThatDieAtOnceTakeNoTableWithThem"},
	{0, "edge/member/notice.go", "t.late = append(t.late, t.inherit(c.Slot, s))", "_ = t.inherit(c.Slot, s)", "edge.TestTwoThatDieAtOnceTakeNoTableWithThem"},
	{0, "edge/member/recovery.go", "if !w.spare && w.current < t.since {", "if w.current < t.since {", "edge/member.TestNobodyWaitsForASpareOne"},
	{0, "edge/member/recovery.go", "	if t.spare {", "	if t.spare && len(t.parts) == 0 {", "edge/member.TestNobodyWaitsForASpareOne"},

	// What is stored is told by the store.
	{0, "edge/recovery/stored.go", "slices.Sorted(maps.Keys(store.Streams()))", "slices.Sorted(maps.Keys(map[string]int{\"/v/x/\": 1}))", "edge.TestWhatIsStoredIsToldByTheStore"},
	{0, "segstore/store.go", "sh.store.streams.note(o.meta.Load(), -1)", "_ = o", "segstore.TestWhatIsHeldOfAStreamIsWhatIsThere"},

	// An entry is dropped by who delivers its slot, and by nobody else.
	{0, "edge/member/notice.go", "case mine && s != nil:", "case mine && s == nil:", "edge/member.TestANeighboursSessionDoesNotTakeASlotThatIsTaken"},
	{0, "edge/member/notice.go", "owner != n.Edge && c.Opened <= s.opened", "owner == n.Edge && c.Opened <= s.opened", "edge/member.TestAnOlderEntryOfOneWhoDoesNotDeliverIsNoNews"},
	{0, "edge/member/notice.go", "if n.Covers.From > w.heard {", "if n.Covers.From < w.heard {", "edge/member.TestAPartThatWasLostIsToldAgain"},
	{0, "edge/member/tables.go", "n.token = wire.Alias{Slot: id.Slot, Generation: id.Generation}", "n.token = wire.Alias{}", "edge/member.TestAnAliasGoesWithTheEntry"},
	{0, "edge/member/table.go", "t.slots.Allot(t.own, ring.ViewOf(&t.pair, t.me), t.limit)", "t.slots.Allot([]wire.Run{{To: t.pair.Slots}}, ring.ViewOf(&t.pair, t.me), t.limit)", "edge/member.TestOnlyOwnSlotsAreAllotted"},

	{0, "edge/member/notice.go", `		case t.owner(slot) == n.Edge || t.owner(slot) == "":`, `		case t.owner(slot) == "":`, "edge/member.TestWhoIsToldWholeForgetsWhoIsNotThere"},
	{0, "edge/member/notice.go", `		case t.owner(slot) == n.Edge || t.owner(slot) == "":`, "		case !within(t.own, slot):", "edge/member.TestWhoDeliveredBeforeDropsNothing"},
	{0, "edge/member/notice.go", `case c.Gone && (owner == n.Edge || owner == "" && same):`, "case c.Gone && owner == n.Edge && same:", "edge/member.TestASlotThatTwoHaveLeftIsFreeAtTheNeighbour"},
	{0, "edge/member/notice.go", "	if n.Version > t.version {\n		return false", "	if n.Version > t.version {\n		return true", "edge/member.TestWhoIsBehindHearsAgainWhoHasLeft"},
	{0, "edge/member/notice.go", "	delete(w.told, slot)\n	w.news[slot] = s.generation\n	return true", "	_ = w\n	return true", "edge/member.TestWhoDeliversInsistsOnWhoIsThere"},
	{0, "edge/member/notice.go", "		w.heard = min(n.Covers.To, t.pair.Slots)", "		w.heard = n.Covers.To", "edge/member.TestWhatIsBeyondTheEndOfATableIsToldAgain"},
	{0, "edge/member/notice.go", "		w.startOver()\n		w.heard, w.current, w.whole = 0, 0, 0\n	}\n	t.mu.Unlock()", "		w.startOver()\n	}\n	t.mu.Unlock()", "edge/member.TestANewLifeTellsAndIsToldEverything"},
	{0, "edge/member/tables.go", "mine = there && within(t.own, slot); mine {", "mine = there; mine {", "edge/member.TestOnlyWhoDeliversASessionEndsIt"},
	{0, "internal/ring/route.go", "	return e.Capacity\n", "	return LimitsOf(p)[edge]\n", "edge/member.TestEntriesSurviveAnyEvening"},

	// Who comes back to a stream that was taken off its pairs has a session like any other.
	{0, "edge/serve.go", "	waiting.Start()\n	_, _, err := found.View.Wait", "	_, _, err := found.View.Wait", "edge.TestABalancerIsToldThatABodyIsWaitedFor"},
	{0, "edge/interim/interim.go", "	t.Start()\n	return &Late", "	return &Late", "edge/interim.TestANodeIsKeptAwakeUntilTheFirstByte"},
	{0, "lb/control/healthcheck.go", "proved = !errors.Is(err, context.DeadlineExceeded)", "proved = err == nil", "lb.TestWhatAnswersIsNotDoubted"},
	{0, "lb/control/healthcheck.go", "!alive && !proved && s.doubts(x)", "!alive && !proved && false && s.doubts(x)", "lb.TestADeathThatCostsPlacesIsDoubted"},
	{0, "lb/control/healthcheck.go", "if now.Sub(x.noticed) >= doubtFor {", "if false && now.Sub(x.noticed) >= doubtFor {", "lb.TestADeathThatCostsPlacesIsDoubted"},
	{0, "lb/session.go", "return lastResort(l, p, tried)", "return proxy.Target{}, false", "lb.TestWhoIsDeclaredDeadIsAskedWhereNobodyElseIsLeft"},
	{0, "lb/session.go", "case e.State != state || e.Stopped:", "case e.State != state:", "lb.TestNotAllThatAreDeadAreAsked"},
	{0, "lb/session.go", "stream := l.opener.StreamOf(r.Context(), p, token, rest)", "stream, _ := p.StreamBy(token.Stream)", "lb.TestAViewerWhoComesBackPutsItsStreamBack"},
	{0, "edge/member/notice.go", "(c.Opened < s.opened || named)", "(c.Opened < s.opened || named && mine)", "edge/member.TestASessionOfAStreamThatIsNotPlacedIsTold"},

	// Without a majority viewers go where an edge says that it stands in for a neighbour.
	{0, "lb/control/standin.go", "if before == nil && c.Majority() {", "if before == nil {", "lb.TestWithoutAMajorityViewersGoWhereAnEdgeStandsIn"},
	{0, "lb/control/standin.go", "return s.Edge == e.Name && s.Incarnation == e.Incarnation", "return s.Edge == e.Name", "lb.TestOneEdgesWordIsNotEnough"},

	// Notices that are lost, or overtaken.
	{0, "edge/member/notices.go", "const noticesAtOnce = 3", "const noticesAtOnce = 1", "edge/member.TestAPositionIsAtTheNeighbourWithinAnInterval"},
	{0, "edge/member/notice.go", "if o.notice.Sequence == o.to.sent {", "if o.notice.Sequence <= o.to.sent {", "edge/member.TestANoticeThatIsOvertakenChangesNothing"},
	{0, "edge/member/notice.go", "if s.ahead <= t.version {", "if s.ahead >= 0 {", "edge/member.TestWhatANewDelivererHasSaidIsNotEndedByTheFormer"},

	{0, "edge/member/notice.go", "case !mine && owner != \"\" && owner != n.Edge && t.ended[c.Slot].generation == c.Generation:", "case false:", "edge/member.TestWhoHasEndedASessionIsNotToldOfItByOneWhoHasNotHeard"},

	// A balancer's figures may be old: the edge has the last word.
	{0, "lb/admission/ask.go", "case err == nil && answer.Pair == c.Pair:", "case err == nil && answer.Pair != c.Pair:", "lb.TestViewerIsSentToItsSlotAndGetsItsBytes"},
	{0, "lb/loads/openings.go", "h.given = append(h.given, given{a.Pair, a.Opened})", "_ = given{}", "lb/loads.TestWhatAReportDoesNotShowYetCounts"},
	{0, "internal/ring/bound.go", "\tif next >= 0 {\n", "\tif next < -1 {\n", "internal/ring.TestAnEdgeMayHaveAFewMoreThanIsKnown"},
	{0, "lb/admission/open.go", "Again: again || choice.Above, Most: most,", "Again: again || choice.Above, Most: 0 * most,", "lb.TestAnEdgeThatOthersHaveFilledMeanwhileIsPassedBy"},
	{0, "lb/admission/open.go", "t.looks < maxLooks &&", "t.looks < 1 &&", "lb.TestWhoIsRefusedEverywhereForAMomentGetsIn"},
	{0, "lb/admission/open.go", "why == wire.ReasonStale || why == wire.ReasonQuorum && t.way.Stay()", "why == wire.ReasonStale", "lb/admission.TestAHotStreamIsOpenedWhereItIsWhenNothingCanBePlaced"},
	{0, "lb/admission/open.go", "o.now().UnixNano() < o.stay.Load()", "false", "lb/admission.TestAHotStreamIsOpenedWhereItIsWhenNothingCanBePlaced"},
	{0, "lb/admission/ask.go", "o.cluster.GiveBack(e, answer.SessionID)", "_ = e", "lb/admission.TestASlotThatIsGivenTooLateIsGivenBack"},
	{0, "lb/admission/open.go", "t.reliefs < maxReliefs &&", "t.reliefs < 0 &&", "lb/admission.TestNobodyIsRefusedWhileThereIsRoom"},
	{0, "lb/loads/opening.go", "{ delete(o.refused, edge) }", "{}", "lb/loads.TestWhoWasRelievedIsChosen"},
	{0, "internal/ring/relieve.go", "reached = append(reached, to)", "_ = to", "internal/sim.TestNobodyIsRefusedBeforeAllPlacesAreTaken"},
	{0, "lb/loads/opening.go", "f := o.l.figures(p, !o.sure)", "f := o.l.figures(p, true)", "lb/loads.TestNobodyIsKeptOutByWhatOthersAskFor"},
	{0, "lb/loads/opening.go", "h.asked[c.Pair]++", "h.asked[c.Pair] += 0", "lb/loads.TestWhoComesAtOnceIsSpreadToo"},
	{0, "lb/loads/openings.go", "				if h := l.heard[member]; h != nil {\n					h.sent[stream] = now", "				if h := l.heard[member]; h != nil {\n					_ = now", "lb/loads.TestAHotStreamIsEvenOverSeveralBalancers"},
	{0, "internal/ring/choose.go", "hot = hot && f.share(p, q) >= f.HotShare", "hot = hot && f.share(p, q) >= 2*f.HotShare", "internal/ring.TestAHotStreamIsSpreadEvenly"},

	// A node that moves while it is called is called where it is.
	{0, "raftfsm/append.go", "*resp, to = raft.AppendEntriesResponse{}, cmp.Or(at, to)", "*resp, to = raft.AppendEntriesResponse{}, cmp.Or(to, at)", "raftfsm.TestAFollowerThatMovesIsCalledWhereItIsListed"},

	// Nobody is lost for whom there is room, and capacity binds nobody who is not asked.
	{0, "internal/ring/settle.go", "newSpill   = spillPrice + 2*stepPrice", "newSpill   = stepPrice", "internal/ring.TestNothingSpillsOverThatCanBeHandedOn"},
	{0, "internal/ring/settle.go", "d.toHub = s.link(pair, s.hub, taken, newSpill)", "d.toHub = s.link(pair, s.hub, taken/2, newSpill)", "internal/ring.TestNobodyIsLostWhomAnOracleSeats"},
	{0, "internal/ring/capacity.go", "after[o.Name] < before[o.Name]", "after[o.Name] < 0", "raftfsm.TestAJoinThatLowersTheOthersLimitsWaits"},
	{0, "internal/ring/capacity.go", "q.Slots = max(want, t.top())", "q.Slots = want", "raftfsm.TestTablesFollowTheirMembersCapacity"},
	{0, "internal/ring/zone.go", "if at += 2; at >= len(laid) {", "if at++; at >= len(laid) {", "internal/ring.TestNeighboursAreInDifferentZonesWhereTheyCanBe"},

	// What has changed leads from the old placement to the new one.
	{0, "internal/wire/sorted.go", "values := slices.Clone(old.values)", "values := old.values", "internal/wire.TestStreamsAgreeWithAModel"},
	{0, "raftfsm/changes.go", "d.StreamsGone = append(d.StreamsGone, name)", "_ = name", "raftfsm.TestWhatIsGoneIsToldToo"},
	{0, "raftfsm/changes.go", "if purge.Seq > version {", "if purge.Seq > version+1 {", "raftfsm.TestWhatIsGoneIsToldToo"},

	// Any origin: a miss asks the partner first; a manifest is one whatever it is called.
	{0, "edge/fetch/source.go", "manifest.TypeOf(have.ContentType, h.Get(\"Content-Type\"))", "h.Get(\"Content-Type\")", "edge.TestManifestIsOneWhateverItIsCalled"},
	{0, "edge/manifest/candidate.go", "return \"application/vnd.apple.mpegurl\"", "return m.ContentType", "edge.TestManifestIsOneWhateverItIsCalled"},
	{0, "edge/fetch/cut.go", "rules.Extent(m.Fields, begin, m.Size)", "rules.Extent(m.Fields, 0, m.Size)", "edge.TestMissIsAskedOfThePartnerFirst"},
	{0, "edge/fetch/cut.go", "return view, ok\n}", "return nil, false\n}", "edge.TestMissIsAskedOfThePartnerFirst"},
	{0, "internal/media/hls/live.go", "a.sequence-a.skipped, b.sequence-b.skipped", "a.sequence, b.sequence", "edge.TestDeltaUpdatesAreGivenToThoseWhoAskForThem"},
	{0, "edge/fetch/lives.go", "case media.Stands(key, given):", "case given != nil:", "edge.TestDeltaUpdatesAreGivenToThoseWhoAskForThem"},
	{0, "internal/media/hls/live.go", "bFirst < aFirst && !b.ended ||", "bFirst < aFirst ||", "internal/media.TestWhatANewVersionIsToTheOneBefore"},
	{0, "internal/media/live.go", "max(given.Ahead(), longestBack)", "given.Window()", "internal/media.TestGuardLetsNothingGoBackBeforeItsTime"},
	{0, "internal/media/hls/define.go", "if bare && ", "if false && ", "internal/media.TestVariablesAreLedIntoTheSession"},
	{0, "lb/session.go", "if misnamed(r, path) {", "if false {", "lb.TestEntryIsWhatTheOriginCallsAManifest"},

	// Strangers as clients: one reading of a request, and nothing that was accepted is lost.
	{0, "internal/h1/body.go", "case f.chunked && f.chunks.at != chunkData:", "case f.chunked && f.left == 0:", "internal/front/incoming.TestSizesOfChunksThatComeInPartsAreSizes"},
	{0, "internal/front/secure.go", "s.out = kept(l.sealed[took:])", "s.out = kept(l.sealed[:took])[:0]", "internal/front.TestSealedBytesThatTheSocketDoesNotTakeAreKept"},
	{0, "lb/proxy/pool.go", "len(list) >= p.most {", "len(list) >= 64 {", "lb/proxy.TestAsManyConnectionsAreKeptAsWereBusy"},
	{0, "internal/front/loop.go", "case l.sources[fd].first:", "case false:", "lb/proxy.TestConnectionsAreReusedClean"},
	{0, "lb/proxy/splice_body.go", "n, r.closes = int(left), true", "n = int(left)", "lb/proxy.TestAConnectionWithMoreThanItsAnswerIsNotKept"},
	{0, "lb/proxy/silence.go", "case !s.resumed:", "case false:", "lb/proxy.TestSilenceIsDue"},
	{0, "lb/proxy/exchange.go", "x.body.Ended() && !x.closes", "!x.closes", "lb/proxy.TestConnectionsAreKeptAfterWholeAnswers"},
	{0, "internal/budget/rate.go", "l.buckets[client].left(now)+l.elsewhere[client].left(now)+1", "l.buckets[client].left(now)+1", "internal/budget.TestABudgetIsOneForAllWhoCount"},
	{0, "internal/serve/successor.go", "if err == nil || !dies(pidOf(cred), err) {", "if err == nil || alive(pidOf(cred)) {", "internal/serve.TestASuccessorThatDiesIsReplacedByTheOldProgram"},

	// What operators and logs are told, in short and once.
	{0, "lb/control/ready.go", "	if errors.As(err, &errno) {", "	if errors.As(err, &errno) && errno == 0 {", "lb/control.TestADisksFailureIsToldInShort"},
	{0, "lb/api/troubles.go", "			if of[t.Text] == nil {", "			if name != \"\" {", "lb/api.TestTheVerdictNamesWhatIsWrongAndTheNextStep"},
	{0, "lb/api/troubles.go", "of[t.Text] = append(of[t.Text], name)", "of[t.Text] = []string{name}", "lb/api.TestTheVerdictNamesWhatIsWrongAndTheNextStep"},
	{0, "lb/refuse.go", "l.log.Warn().Str(\"reason\", reason)", "l.log.Debug().Str(\"reason\", reason)", "lb.TestARefusedViewerIsInTheLog"},
	{0, "lb/stream.go", "	case w.over:", "	case w.over && !w.since.IsZero():", "lb.TestAStreamThatIsOverIsLookedAtNoMore"},
	// Who refused one append, or was away, is not left behind.
	{0, "raftfsm/append.go", "MaxRPCsInFlight: 1,", "MaxRPCsInFlight: 2,", "raftfsm.TestAFollowerThatRefusesOneAppendIsNotLeftBehind"},
	{0, "raftfsm/append.go", "case !t.pause(): // it can't", "case err != nil || !t.pause(): // it can't", "raftfsm.TestAFollowerThatWasAwayForLongCatchesUpAtOnce"},
	// Who was left behind by a recovery overwrites nothing.
	{0, "raftfsm/era.go", "if era == 0 {", "if era >= 0 {", "raftfsm.TestWhoWasLeftBehindOverwritesNothing"},
	{0, "raftfsm/era.go", "n.hold.state.Store(overtaken)", "", "raftfsm.TestWhoWasLeftBehindOverwritesNothing"},

	// What operators are told is true.
	{0, "lb/control/liveness.go", "case led || leader == \"\":", "case true:", "lb.TestABalancerThatTheLeaderCallsInVain"},
	{0, "lb/control/liveness.go", "if !there || pong.Fresh {", "if there || pong.Fresh {", "lb.TestABalancerThatTheLeaderCallsInVain"},
	// Who was let out is out.
	{0, "internal/operator/cookie.go", "return v, ok && !g.endings.ended(v.ID)", "return v, ok", "internal/operator.TestALogoutEndsACookieThatWasCopied"},
	{0, "internal/operator/gate.go", "asked.Method = http.MethodPost", "asked.Method = http.MethodGet", "internal/operator.TestAQuestionOfAnOlderBrowserIsItsPages"},
	// Who asks for nothing takes nothing.
	{0, "edge/stepback/guard.go", "if !g.behind(session, target, m) ||", "if true ||", "edge/stepback.TestASessionDoesNotGoBack"},
	{0, "internal/media/hls/live.go", "return of.end >= r.first &&", "return true &&", "internal/media.TestWhoReachesFurtherIsTold"},
	{0, "lb/proxy/attempt.go", "case due && k.waitsForOrigin(ctx, a):", "case false:", "lb/proxy.TestEdgeThatSaysThatItWaitsIsNotPassedBy"},
	{0, "edge/interim/board.go", "!on.writing && on.sent == got", "!on.writing", "edge/interim.TestABodyThatWaitsIsKnown"},
	{0, "lb/proxy/head.go", "k.etag == \"\" || a.grows &&", "k.etag == \"\" || false &&", "lb/proxy.TestAnotherFetchOfTheSameBytesGoesOn"},
	{0, "internal/front/h2/meter.go", "return m.received.Add(int64(n)) <=", "return m.received.Add(int64(n)) <= 1<<40+", "internal/front.TestWhoSendsFramesThatAskForNothingIsCutOff"},
	{0, "internal/front/secure.go", "s.meter.Sent(len(b))", "s.meter.Sent(0)", "internal/front.TestWhoOpensWindowsForEachFrameIsNot"},
	{0, "internal/front/h2/listener.go", "if c.counts.Load() && !", "if false && !", "internal/serve.TestAnOperatorsClientThatAsksForNothingIsCutOff"},
	{0, "internal/serve/http.go", "if s.HTTP2 == nil {", "if false {", "internal/serve.TestHTTP2IsForThoseWhoBoundIt"},
	// No spelling leads past a rule, and no claim is another one.
	{0, "internal/protected/canonical.go", "const decodings = 3", "const decodings = 1", "internal/protected.TestNoSpellingLeadsPastAPrefix"},
	{0, "internal/access/jwt.go", "text, err := json.Marshal(known)", "text, err := json.Marshal(each)", "internal/access.TestClaimsOfAJWTAreSpelledInOneWay"},
	{0, "raftfsm/transport.go", `at != "" && at != addr`, `at != "" && at == addr`, "raftfsm.TestABalancerIsFoundWhereItListens"},
	{0, "cmd/tandem/edge.go", "s.Handler = access.Handler(s.Handler)", "_ = access", "cmd/tandem.TestAnEdgeLogsWhatBalancersFetchForViewers"},
	{0, "lb/api/verdict.go", "case alive != 1:", "case alive != 1 || len(v.s.Balancers) > 1:", "lb/api.TestTheVerdictNamesWhatIsWrongAndTheNextStep"},
}
