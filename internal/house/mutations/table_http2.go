package mutations

// rowsOfHTTP2 are those of internal/front/streams.
var rowsOfHTTP2 = []Mutation{
	{0, "internal/front/streams/output.go", "for len(c.out) >= c.most && c.writing && c.err == nil {", "for false {", "internal/front/streams.TestWhoTakesNothingHoldsLittle"},
	{0, "internal/front/streams/output.go", "if times == 0 {", "if false {", "internal/front/streams.TestWhoWritesDoesNotWriteForAll"},
	{0, "internal/front/streams/output.go", "c.most = min(2*c.most, outMost)", "c.most = outLeast", "internal/front/streams.TestWhatIsReadyGoesOutInOneWrite"},
	{0, "internal/front/streams/frames.go", "return open >= c.cfg.Streams || len(c.streams) >= 2*c.cfg.Streams", "return open >= c.cfg.Streams", "internal/front/streams.TestRequestsThatAreGivenUpCount"},
	{0, "internal/front/streams/frames.go", "return open >= c.cfg.Streams || len(c.streams) >= 2*c.cfg.Streams", "return true", "internal/front/streams.TestWhoKeepsTheLimitIsNotRefused"},
	{0, "internal/front/streams/frames.go", "if c.final || c.err != nil || c.full() {", "if c.final || c.full() {", "internal/front/streams.TestNothingBeginsAfterTheEnd"},
	{0, "internal/front/streams/stream.go", "int(max(0, min(st.window, c.window)))", "int(min(st.window, c.window))", "internal/front/streams.TestAWindowLessThanNothingEndsNobody"},
	{0, "internal/front/streams/conn.go", "if c.ends {", "if c.ends && false {", "internal/front/streams.TestWhoComesAtTheEndHearsSettingsFirst"},
	{0, "internal/front/streams/conn.go", "words < lastWords;", "words < 1;", "internal/front/streams.TestTheLastAnswerIsTakenInPeace"},
	{0, "internal/front/streams/frames.go", "if st.window += more; st.window > mostWindow {", "if st.window += 0 * more; st.window > mostWindow {", "internal/front/streams.TestFirstWindowsChangeForStreamsThatThereAre"},
	{0, "internal/front/streams/frames.go", "c.resized = true", "c.resized = false", "internal/front/streams.TestClientsAreToldThatThereIsNoTable"},
	{0, "internal/front/streams/conn.go", "c.goAway(mostWindow, http2.ErrCodeNo)", "c.goAway(c.last, http2.ErrCodeNo)", "internal/front/streams.TestWhoIsToldToGoLosesNothing"},
	{0, "internal/front/streams/watch.go", "case begun != 0 && now-begun >= int64(c.cfg.FrameTimeout):", "case begun < 0:", "internal/front/streams.TestConnectionsHaveTheirTime"},
	{0, "internal/front/streams/watch.go", "	c.hurry(at)\n", "", "internal/front/streams.TestStreamThatNobodyTakesIsReset"},
	{0, "internal/front/streams/stream.go", "	c.credit(len(st.body))\n	st.body = nil\n	delete", "	st.body = nil\n	delete", "internal/front/streams.TestBodiesComeWhole"},
	{0, "internal/front/streams/response.go", "case w.length >= 0 && w.taken != w.length:", "case false:", "internal/front/streams.TestAnswers"},
	{0, "internal/front/streams/stream.go", "c.meter.Body(n) // what", "// what", "internal/front/streams.TestOnlyWhatIsReadOfABodyIsAskedWith"},
}
