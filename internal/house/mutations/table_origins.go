package mutations

// rowsOfOrigins are those of what strangers' origins and players do.
var rowsOfOrigins = []Mutation{
	{0, "edge/rules/directives.go", "c == ';' || isSpace(c) && partsWords(list, i)", "false", "edge/rules.TestDirectivesAreReadAsTheRFCsSay"},
	{0, "edge/rules/directives.go", `!strings.ContainsRune("=,;", rune(after[0]))`, "true", "edge/rules.TestDirectivesAreReadAsTheRFCsSay"},
	{0, "edge/upstream/chunks.go", "		return ';'\n", "", "edge/upstream.TestChunksThatAreOddAreRead"},
	{0, "edge/upstream/chunks.go", "	*c = chunks{}\n	return []byte(\"\\r\\n\")", "	return nil", "edge/upstream.TestChunksThatAreOddAreRead"},
	{0, "edge/upstream/chunks.go", "	*c = chunks{}\n	for line", "	for line", "edge/upstream.TestChunksOfAnAnswerWithoutABody"},
	{0, "edge/upstream/sound.go", "status < http.StatusOK || status", "status < http.StatusOK || status > 599 || status", "edge/upstream.TestStatusThatIsNotFinalIsTheOriginsFault"},
	{0, "edge/upstream/oldchunks.go", "			dropLine(head, at, len(line)+1)\n", "			break\n", "edge/upstream.TestALineWithoutAColonIsNoField"},
	{0, "internal/media/companion/companion.go", `!bytes.Contains(p.text, []byte("://"))`, "true", "internal/media.TestWhatManifestsNameAlongIsLedIntoTheSession"},
	{0, "edge/fetch/origin.go", `f.manifests.KindOf(r.Target, h.Get("Content-Type"))`, `media.KindOf(rules.PathOf(o.key), h.Get("Content-Type"))`, "edge.TestWhatAManifestListsIsASegment"},
	{0, "internal/media/hls/define.go", " && !p.Odd(ref) {", " {", "internal/media.TestURIsGoOutInASCII"},
	{0, "internal/media/dash/place.go", "		even(p, raw)\n", "", "internal/media.TestURIsGoOutInASCII"},
	{0, "internal/media/edit/draft.go", `!bytes.EqualFold(coding[1:6], []byte("utf-8"))`, "false", "internal/media.TestURIsGoOutInASCII"},
	{0, "internal/media/manifest.go", "m.draft.Edits.Escapes() > 0 {", "m.draft.Edits.Escapes() < 0 {", "internal/media.TestURIsGoOutInASCII"},
	{0, "internal/media/edit/copy.go", "c.escaped(e.body[at-int64(cut>>2) : at])", "c.escaped(e.body[at : at+int64(cut>>2)])", "internal/media/edit.TestStreamedBodyIsTheEditedOne"},
	{0, "edge/rules/vary.go", "told(name) && !slices.Contains(names, field)", "false", "edge.TestWhoSaysWhoHeIsDecidesForNobodyElse"},
	{0, "edge/rules/vary.go", `case "host", "range", "if-range"`, `case "if-range"`, "edge.TestWhoSendsNothingOfAVaryShares"},
	{0, "edge/rules/asked.go", "		default:\n			alone = true\n", "", "edge.TestWhoSendsNothingOfAVaryShares"},
	{0, "edge/rules/asked.go", "			a.varies += \",\" + field\n", "", "edge.TestViewersAskOnceEachForWhatVariesByUserAgent"},
	{0, "edge/fetch/look.go", "		x.asks.Peer(r.Header)\n", "", "edge.TestViewersAskOnceEachForWhatVariesByUserAgent"},
	{0, "edge/fetch/origin.go", `asker.Get("User-Agent") == ""`, "false", "edge.TestWhoSendsNothingOfAVaryShares"},
	{0, "edge/fetch/peer.go", `		req.Header.Set("User-Agent", "") // Go's client`, "		_ = req // Go's client", "edge.TestWhoSendsNothingOfAVaryShares"},
	{0, "edge/rules/asked.go", "		return h[name] != nil && (told", "		return (told", "edge.TestClusterAsksTheOriginOnceAVariant"},
}
