package front

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strings"
	"testing"
)

func TestOneConnectionServesManyRequestsOneAfterTheOther(t *testing.T) {
	s := newStage(t)
	c := call(t, s.addr)
	for _, target := range []string{"/mem/0", "/mem/10", "/a", "/file/10", "/file/0", "/b", "/mem/100000", "/file/100000", "/c"} {
		c.say(ask("GET", target))
		c.hearTarget("GET", target)
		c.say(ask("HEAD", target))
		c.hearTarget("HEAD", target)
	}
	if quick, away := s.ways.Quick.Load(), s.ways.Away.Load(); quick != 12 || away != 6 {
		t.Errorf("%d answered on loops, %d away; want 12 and 6", quick, away)
	}
}

// mixed are more requests than one round answers, by both ways, of all sizes.
func mixed(n int) (all []string) {
	r := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		all = append(all, fmt.Sprintf("%s?%d", [...]string{"/mem/3", "/x", "/file/40000", "/mem/0", "/mem/70000", "/file/7"}[r.IntN(6)], i))
	}
	return all
}

func TestRequestsInOneSegmentAreAnsweredInTheirOrder(t *testing.T) {
	s := newStage(t, func(_ *stage, c *Config) {
		c.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Target", r.RequestURI)
			fmt.Fprint(w, "away "+r.RequestURI)
		})
	})
	targets := mixed(5*requestsAlone + 1)
	var all strings.Builder
	for i, target := range targets {
		all.WriteString(ask([...]string{"GET", "HEAD"}[i%2], target))
	}
	c := call(t, s.addr)
	c.say(all.String())
	for i, target := range targets {
		c.hearTarget([...]string{"GET", "HEAD"}[i%2], target)
	}
	c.say(ask("GET", "/mem/5"))
	c.hearTarget("GET", "/mem/5")
}

func TestMoreRequestsThanARoundAnswersNeedNoFurtherByteToBeAnswered(t *testing.T) {
	s := newStage(t)
	for _, n := range []int{requestsAlone - 1, requestsAlone, requestsAlone + 1, 10 * requestsAlone} {
		c := call(t, s.addr)
		c.say(strings.Repeat(ask("GET", "/mem/2"), n))
		for range n {
			c.hearTarget("GET", "/mem/2")
		}
	}
}

func TestRequestsAreReadTheSameHoweverTheyAreCut(t *testing.T) {
	s := newStage(t)
	targets := []string{"/mem/3", "/x", "/mem/4"}
	text := ""
	for _, target := range targets {
		text += ask("GET", target)
	}
	for cut := 1; cut < len(text); cut++ {
		c := call(t, s.addr)
		c.say(text[:cut])
		heard := 0
		if cut >= len(ask("GET", targets[0])) { // its answer shows that the first part was read by itself
			c.hearTarget("GET", targets[0])
			heard = 1
		}
		c.say(text[cut:])
		for _, target := range targets[heard:] {
			c.hearTarget("GET", target)
		}
		_ = c.Close()
	}
}

func TestARequestMayComeByteByByte(t *testing.T) {
	s := newStage(t)
	c := call(t, s.addr)
	for _, target := range []string{"/mem/3", "/x", "/mem/4"} {
		text := ask("GET", target)
		for i := range len(text) {
			c.say(text[i : i+1])
		}
		c.hearTarget("GET", target)
	}
}

// What a loop reads at once and what it keeps of it for later must not be mixed
// up between connections: all are in the middle of a head at the same time.
func TestPartsOfHeadsOfManyConnectionsAreKeptApart(t *testing.T) {
	s := newStage(t, oneLoop)
	const callers = 40
	var all [callers]*caller
	for i := range all {
		all[i] = call(t, s.addr)
		all[i].say("%sGET /mem/%d?%d HTT", ask("GET", "/mem/1"), i, i) // the answer shows that the part behind it was read
	}
	for i := range all {
		all[i].hearTarget("GET", "/mem/1")
		all[i].say("P/1.1\r\nHo")
	}
	for i := range all {
		all[i].say("st: a\r\n\r\n")
	}
	for i := range all {
		all[i].hearTarget("GET", fmt.Sprintf("/mem/%d?%d", i, i))
	}
}

// A full socket leaves the rest of a head in the loop's own buffer for a moment;
// whoever is answered next writes there.
func TestAnswersThatDoNotFitTheSocketAreKeptApart(t *testing.T) {
	s := newStage(t, oneLoop)
	const callers, requests = 6, 400
	var all [callers]*caller
	for i := range all {
		all[i] = callSlow(t, s.addr)
		for n := range requests {
			all[i].say(ask("GET", fmt.Sprintf("/mem/%d?%d.%d", smallBody-n, i, n)))
		}
	}
	other := call(t, s.addr)
	other.say(ask("GET", "/mem/9"))
	other.hearTarget("GET", "/mem/9")
	for i := range all {
		for n := range requests {
			all[i].hearTarget("GET", fmt.Sprintf("/mem/%d?%d.%d", smallBody-n, i, n))
		}
	}
}

func TestConnectionEndsAfterTheRequestThatSaysSo(t *testing.T) {
	s := newStage(t)
	for _, target := range []string{"/mem/3", "/mem/100000", "/file/3", "/file/100000", "/x"} {
		c := call(t, s.addr)
		c.say(ask("GET", target, "Connection: close") + ask("GET", "/mem/1"))
		if r := c.hearTarget("GET", target); !r.Close {
			t.Errorf("%s: the answer does not say that it is the last", target)
		}
		c.ends(inOrder)
	}
	if n := s.ways.Quick.Load(); n != 4 {
		t.Errorf("%d requests were answered on loops; want 4, none behind the last", n)
	}
}

// What waits must not be copied for every request before it: 60 KB of small ones
// would cost a thousand times as much.
func TestRequestsThatWaitAreNotCopiedAgainAndAgain(t *testing.T) {
	s := newStage(t, oneLoop)
	const requests = 1500
	all := strings.Repeat(ask("GET", "/mem/1"), requests)
	c := call(t, s.addr)
	release := s.hold()
	c.say("%s", all)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	release()
	for range requests {
		if _, err := http.ReadResponse(c.r, nil); err != nil {
			t.Fatal(err)
		}
		_, _ = c.r.Discard(1)
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 200*uint64(len(all)) { // most of it the test's own
		t.Errorf("%d bytes of requests took %d bytes of memory", len(all), got)
	}
}
