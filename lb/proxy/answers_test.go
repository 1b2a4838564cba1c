package proxy

import (
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tandem/internal/h1"
	"tandem/lb/proxy/upstream"
)

// answerCase is an edge's answer, out of the ordinary or not.
type answerCase struct {
	text   string
	close  bool // the edge ends the connection after it
	splice bool // has to be carried without a response when it comes whole
}

const (
	strongTag = "ETag: \"v1\"\r\n"
	dated     = "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
)

// answerCases are the answers by name.
func answerCases() map[string]answerCase {
	ok := "HTTP/1.1 200 OK\r\n" + dated
	all := wholeCases()
	maps.Copy(all, badCases())
	maps.Copy(all, map[string]answerCase{
		"plain":         {text: plainOK("hello"), splice: true},
		"empty":         {text: ok + "Content-Length: 0\r\n\r\n", splice: true},
		"no reason":     {text: "HTTP/1.1 200\r\n" + dated + "Content-Length: 2\r\n\r\nok", splice: true},
		"blank reason":  {text: "HTTP/1.1 200 \r\n" + dated + "Content-Length: 2\r\n\r\nok", splice: true},
		"undated":       {text: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", splice: true},
		"close":         {text: ok + "Connection: close\r\nContent-Length: 2\r\n\r\nok", close: true, splice: true},
		"Close":         {text: ok + "cONNECTION: CLOSE\r\nContent-Length: 2\r\n\r\nok", close: true, splice: true},
		"keep-alive":    {text: ok + "Connection: keep-alive\r\nKeep-Alive: timeout=5\r\nContent-Length: 2\r\n\r\nok", splice: true},
		"listed":        {text: ok + "Connection: X-Mine, close\r\nX-Mine: 1\r\nContent-Length: 2\r\n\r\nok", close: true},
		"close, listed": {text: ok + "Connection: close\r\nConnection: X-Mine\r\nX-Mine: 1\r\nContent-Length: 2\r\n\r\nok", close: true},
		"listed, close": {text: ok + "X-Mine: 1\r\nConnection: X-Mine\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", close: true},
		"204":           {text: "HTTP/1.1 204 No Content\r\n" + dated + "\r\n", splice: true},
		"304":           {text: "HTTP/1.1 304 Not Modified\r\n" + dated + strongTag + "\r\n", splice: true},
		"304, length":   {text: "HTTP/1.1 304 Not Modified\r\n" + dated + strongTag + "Content-Length: 500\r\n\r\n", splice: true},
		"206":           {text: "HTTP/1.1 206 Partial Content\r\n" + dated + strongTag + "Content-Range: bytes 5-9/100\r\nContent-Length: 5\r\n\r\nhello", splice: true},
		"206, *":        {text: "HTTP/1.1 206 Partial Content\r\n" + dated + strongTag + "Content-Range: bytes 5-9/*\r\nContent-Length: 5\r\n\r\nhello", splice: true},
		"206, wrong":    {text: "HTTP/1.1 206 Partial Content\r\n" + dated + strongTag + "Content-Range: bytes 5-9/100\r\nContent-Length: 6\r\n\r\nhello!"},
		"206, none":     {text: "HTTP/1.1 206 Partial Content\r\n" + dated + strongTag + "Content-Length: 5\r\n\r\nhello"},
		"206, several":  {text: "HTTP/1.1 206 Partial Content\r\n" + dated + strongTag + "Content-Type: multipart/byteranges; boundary=x\r\nContent-Length: 5\r\n\r\n--x--"},
		"206, two":      {text: "HTTP/1.1 206 Partial Content\r\n" + dated + strongTag + "Content-Range: bytes 1-6/100\r\nContent-Range: bytes 5-9/100\r\nContent-Length: 5\r\n\r\nhello"},
		"301":           {text: "HTTP/1.1 301 Moved Permanently\r\n" + dated + "Location: /x\r\nContent-Length: 0\r\n\r\n", splice: true},
		"404":           {text: "HTTP/1.1 404 Not Found\r\n" + dated + "Tandem-Reason: gone\r\nTandem-Secret: 1\r\nContent-Length: 4\r\n\r\nnone", splice: true},
		"416":           {text: "HTTP/1.1 416 Range Not Satisfiable\r\n" + dated + "Content-Range: bytes */100\r\nContent-Length: 0\r\n\r\n", splice: true},
		"500":           {text: "HTTP/1.1 500 Internal Server Error\r\n" + dated + "Content-Length: 3\r\n\r\nbad"},
		"500, reason":   {text: "HTTP/1.1 500 Internal Server Error\r\n" + dated + "Tandem-Reason: origin\r\nContent-Length: 3\r\n\r\nbad"},
		"503":           {text: "HTTP/1.1 503 Service Unavailable\r\n" + dated + "Content-Length: 3\r\n\r\nbad"},
		"503, reason":   {text: "HTTP/1.1 503 Service Unavailable\r\n" + dated + "tandem-reason: full\r\nRetry-After: 2\r\nContent-Length: 3\r\n\r\nbad"},
		"processing":    {text: "HTTP/1.1 102 Processing\r\nTandem-Waiting: 1\r\n\r\n" + plainOK("hello")},
		"early hints":   {text: "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n" + plainOK("hello")},
		"chunked":       {text: ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"},
		"growing":       {text: ok + strongTag + "Tandem-Waiting: 1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"},
		"growing, told": {text: ok + strongTag + "Tandem-Waiting: 1\r\nContent-Length: 5\r\n\r\nhello"},
		"endless":       {text: ok + "\r\nhello", close: true},
		"two lengths":   {text: ok + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", close: true},
		"list length":   {text: ok + "Content-Length: 5, 5\r\n\r\nhello", close: true},
		"plus length":   {text: ok + "Content-Length: +5\r\n\r\nhello", close: true},
		"huge length":   {text: ok + "Content-Length: 99999999999999999999\r\n\r\nhello", close: true},
		"both lengths":  {text: ok + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", close: true},
		"extra":         {text: plainOK("hello") + "more than was said"},
		"two answers":   {text: plainOK("hello") + plainOK("poisoned")},
		"extra at 304":  {text: "HTTP/1.1 304 Not Modified\r\n" + dated + "Content-Length: 5\r\n\r\nhello"},
		"own fields":    {text: ok + "tandem-stored: 1\r\nTANDEM-LENGTH: 9\r\nTandem-: 3\r\nTandem: 2\r\nContent-Length: 2\r\n\r\nok", splice: true},
		"hop by hop":    {text: ok + "Keep-Alive: 5\r\nProxy-Authenticate: x\r\nProxy-Connection: y\r\nTrailer: z\r\nUpgrade: w\r\nTE: v\r\nHost: u\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\nok", splice: true},
		"odd bytes":     {text: ok + "X-Odd: \tcaf\xe9 \x80\xff\t\r\nX-Empty:\r\nX-Blank: \t \r\n!#$%&'*+-.^_`|~: tokens\r\nContent-Length: 2\r\n\r\nok", splice: true},
		"repeated":      {text: ok + "Via: 1.1 edge\r\nServer-Timing: a\r\nserver-timing: b\r\nX-A: 1\r\nx-a: 2\r\nX-A: 1\r\nVary: Origin\r\nContent-Length: 2\r\n\r\nok", splice: true},
		"299":           {text: "HTTP/1.1 299 Odd\r\n" + dated + "Content-Length: 2\r\n\r\nok", splice: true},
	})
	return all
}

// badCases are heads that are none, or long.
func badCases() map[string]answerCase {
	ok := "HTTP/1.1 200 OK\r\n" + dated
	return map[string]answerCase{
		"nul":        {text: ok + "X-A: a\x00b\r\nContent-Length: 2\r\n\r\nok", close: true},
		"bare lf":    {text: ok + "X-A: a\nX-B: b\r\nContent-Length: 2\r\n\r\nok", close: true},
		"bare cr":    {text: ok + "X-A: a\rX-B: b\r\nContent-Length: 2\r\n\r\nok", close: true},
		"folded":     {text: ok + "X-A: a\r\n b\r\nContent-Length: 2\r\n\r\nok", close: true},
		"blank name": {text: ok + "X-A : a\r\nContent-Length: 2\r\n\r\nok", close: true},
		"no colon":   {text: ok + "X-A\r\nContent-Length: 2\r\n\r\nok", close: true},
		"http/1.0":   {text: "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", close: true},
		"101":        {text: "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", close: true},
		"600":        {text: "HTTP/1.1 600 Odd\r\nContent-Length: 2\r\n\r\nok", close: true},
		"2000":       {text: "HTTP/1.1 2000 Odd\r\nContent-Length: 2\r\n\r\nok", close: true},
		"garbage":    {text: "\x16\x03\x01 no answer\r\n\r\n", close: true},
		"60 KB head": {text: ok + strings.Repeat("X-Long: "+strings.Repeat("x", 1000)+"\r\n", 60) + "Content-Length: 2\r\n\r\nok"},
		"70 KB head": {text: ok + strings.Repeat("X-Long: "+strings.Repeat("x", 1000)+"\r\n", 70) + "Content-Length: 2\r\n\r\nok", close: true},
	}
}

// wholeCases are bodies that come whole, or not quite, with what is read at first.
func wholeCases() map[string]answerCase {
	ok := "HTTP/1.1 200 OK\r\n" + dated
	all := map[string]answerCase{}
	for _, tag := range []string{"", "ETag: W/\"v1\"\r\n", strongTag, "ETag: W/\"a\"\r\n" + strongTag, strongTag + "ETag: W/\"a\"\r\n", "ETag: \"\r\n", "ETag: v1\r\n"} {
		for _, over := range []int{-1, 0, 1, 5, 40_000} { // beyond what is read at first
			head := ok + tag + "Content-Length: 00000\r\n\r\n"
			size := spliceRead - len(head) + over
			head = strings.Replace(head, "00000", fmt.Sprintf("%05d", size), 1)
			// With a strong validator a splice need not have it whole.
			all[fmt.Sprintf("%q%+d", tag, over)] = answerCase{text: head + pattern(size), splice: tag == strongTag || over <= 0 && strings.Count(tag, "ETag") < 2}
		}
	}
	return all
}

// pattern is a body in which every part is told from every other.
func pattern(n int) string {
	b := make([]byte, n+8)
	for i := 0; i < n; i += 8 {
		for j := range 7 {
			b[i+j] = "0123456789abcdef"[i>>(24-4*j)&15]
		}
		b[i+7] = '\n'
	}
	return string(b[:n])
}

// answerEdge gives the answers by their names, cut as the target's query says.
func answerEdge(t testing.TB, cases map[string]answerCase, settle func()) *scripted {
	names := namesOf(cases)
	return script(t, func(c net.Conn, ask string) {
		path, query, _ := strings.Cut(targetOf(ask), "?")
		number, err := strconv.Atoi(path[1:])
		if err != nil {
			send(c, plainOK("well"))
			return
		}
		a := cases[names[number]]
		text := a.text
		if query != "" && strings.HasPrefix(ask, "HEAD") {
			text = text[:strings.Index(text, "\r\n\r\n")+4] // a body would pass for the next answer
		}
		switch at, _ := strconv.Atoi(query); {
		case query == "each":
			for i := range len(text) {
				send(c, text[i:i+1])
				settle()
			}
		case at > 0 && at < len(text):
			send(c, text[:at])
			settle()
			send(c, text[at:])
		default:
			send(c, text)
		}
		if a.close {
			_ = c.Close()
		}
	})
}

func namesOf(cases map[string]answerCase) []string {
	var names []string
	for name := range cases {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// seen is all that a viewer can tell of an answer, and of the next one on the same
// connection.
func (s *spliceStage) seen(method, path string) string {
	v := s.dial()
	defer v.Close()
	v.ask(method, path)
	first := v.read(method)
	text := first.text()
	if first.err == nil && !strings.Contains(text, "Connection: close") {
		v.ask(http.MethodGet, "/well")
		text += "then " + v.read(http.MethodGet).text()
	}
	return text
}

func (g got) text() string {
	if g.err != nil {
		return fmt.Sprintf("broken, %d bytes: %q\n", len(g.body), g.body)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d\n", g.status)
	var lines []string
	for name, values := range g.header {
		for _, value := range values {
			if name == "Date" && value != "Thu, 01 Jan 2026 00:00:00 GMT" {
				value = "some"
			}
			lines = append(lines, name+": "+value+"\n")
		}
	}
	slices.Sort(lines) // the order among those of one name is looked at elsewhere
	fmt.Fprintf(&b, "%s%d: %.3000q\n", strings.Join(lines, ""), len(g.body), g.body)
	return b.String()
}

// However an edge answers, a viewer sees through a splice what it would see through
// a response, and the next answer is not spoilt.
func TestBothWaysGiveTheSame(t *testing.T) {
	cases := answerCases()
	var s *spliceStage
	e := answerEdge(t, cases, func() { s.settle() })
	s = openSplices(t, spliceOptions{edges: []upstream.Target{e.target("edge-1")}})
	oracle := openSplices(t, spliceOptions{edges: []upstream.Target{e.target("edge-1")}, without: true})
	for number, name := range namesOf(cases) {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			path := fmt.Sprintf("/%d", number)
			want := oracle.seen(method, path)
			s.counted()
			if saw := s.seen(method, path); saw != want {
				t.Errorf("%s %s: through a splice\n%.1500s\nthrough a response\n%.1500s", method, name, saw, want)
			}
			if strings.Contains(want, "then 200") {
				s.over(2)
			} else {
				s.over(1) // else it is counted among those of the next case
			}
			if served, _, _, left, _ := s.counted(); len(served) > 2 || left != 0 && cases[name].splice && method == http.MethodGet {
				t.Errorf("%s: %d responses, counted %v", name, left, served)
			}
		}
	}
}

// Wherever an answer is cut in two, and when it comes byte by byte, it is the same.
func TestAnswersCutAnywhere(t *testing.T) {
	cases := answerCases()
	var s *spliceStage
	e := answerEdge(t, cases, func() { s.settle() })
	s = openSplices(t, spliceOptions{edges: []upstream.Target{e.target("edge-1")}})
	for number, name := range namesOf(cases) {
		text := cases[name].text
		switch name {
		case "plain", "206", "processing", "two answers", "growing, told", "304", "close":
		default:
			continue
		}
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			if method == http.MethodHead && name == "processing" {
				continue // its first head is not its last
			}
			want := s.seen(method, fmt.Sprintf("/%d", number))
			for cut := 1; cut < len(text); cut++ {
				if cut == len(plainOK("hello")) && name == "two answers" {
					continue // what comes after the next request passes for its answer
				}
				if saw := s.seen(method, fmt.Sprintf("/%d?%d", number, cut)); saw != want {
					t.Fatalf("%s %s cut at %d:\n%s\nwhole:\n%s", method, name, cut, saw, want)
				}
			}
			if saw := s.seen(method, fmt.Sprintf("/%d?each", number)); saw != want {
				t.Fatalf("%s %s byte by byte:\n%s\nwhole:\n%s", method, name, saw, want)
			}
		}
	}
	if _, _, failed, _, _ := s.counted(); len(failed) != 0 {
		t.Fatalf("evidence %v", failed)
	}
}

// What the origin says before its answer reaches the viewer, by either way, once, in
// order and without what is between nodes; that an edge waits does not, nor does any of
// it reach who speaks HTTP/1.0.
func TestInterimAnswersReachTheViewer(t *testing.T) {
	said := "HTTP/1.1 102 Processing\r\nTandem-Waiting: 1\r\n\r\n" +
		"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\nTandem-Stored: 1\r\nConnection: X-Hop\r\nX-Hop: 1\r\n\r\n" +
		"HTTP/1.1 100 Continue\r\n\r\n" + "HTTP/1.1 103 Early Hints\r\nLink: </y>\r\n\r\n" + plainOK("hello")
	e := answerEdge(t, map[string]answerCase{"hints": {text: said}}, func() {})
	for _, without := range []bool{false, true} {
		s := openSplices(t, spliceOptions{edges: []upstream.Target{e.target("edge-1")}, without: without})
		v := s.dial()
		v.ask(http.MethodGet, "/0")
		for _, want := range []string{"103 </x>", "103 </y>", "200 "} {
			got := v.read(http.MethodGet)
			if text := fmt.Sprint(got.status, " ", got.header.Get("Link")); text != want || got.err != nil {
				t.Errorf("without splices %v: %s, %v; want %s", without, text, got.err, want)
			}
			if got.header["Tandem-Stored"] != nil || got.header["X-Hop"] != nil || got.status == 200 && string(got.body) != "hello" {
				t.Errorf("%d: %v, %q", got.status, got.header, got.body)
			}
		}
		v.Close()
		old := s.dial()
		_, _ = old.Write([]byte("GET /0 HTTP/1.0\r\n\r\n"))
		if got := old.read(http.MethodGet); got.status != 200 {
			t.Errorf("HTTP/1.0: %d", got.status)
		}
		old.Close()
	}
}

// toldInterim is a viewer's writer that keeps what it was told before the answer.
type toldInterim struct {
	http.ResponseWriter
	own   http.Header
	heard []http.Header
}

func (w *toldInterim) Header() http.Header { return w.own }
func (w *toldInterim) WriteHeader(int)     { w.heard = append(w.heard, w.own.Clone()) }

// What is said before the answer changes nothing of it, and an attempt beside another
// one says nothing.
func TestInterimAnswerLeavesTheAnswerAlone(t *testing.T) {
	w := &toldInterim{own: http.Header{"X-Own": {"1"}}}
	h := &answer{Response: h1.Response{Status: http.StatusEarlyHints, Fields: []h1.Line{{Name: []byte("link"), Value: []byte("</x>")}}}}
	for _, a := range []*attempt{{}, {aside: true}} {
		(&response{w: w}).interim(a, h)
		(&response{w: w, promise: promise{begun: true}}).interim(a, h)
	}
	if len(w.heard) != 1 || len(w.heard[0]) != 1 || w.heard[0].Get("Link") != "</x>" || len(w.own) != 1 || w.own.Get("X-Own") != "1" {
		t.Errorf("%v, then %v", w.heard, w.own)
	}
}
