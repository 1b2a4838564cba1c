package control

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"tandem/internal/wire"
)

// A placement is stale when others have known a newer one for a while and this
// balancer gets none: not while it follows, and not by one look.
func TestAPlacementThatOthersKnowToBeOld(t *testing.T) {
	now := time.Unix(1000, 0)
	for _, row := range []struct {
		what  string
		own   []uint64 // at each look, a second apart
		other uint64
		stale bool
	}{
		{"the same", []uint64{7, 7, 7, 7}, 7, false},
		{"older, and it stays so", []uint64{7, 7, 7, 7}, 9, true},
		{"older, and it follows", []uint64{6, 7, 8, 9}, 12, false},
		{"older for a moment", []uint64{7, 7, 7, 9}, 9, false},
		{"two looks only", []uint64{7, 7, 7}, 9, false},
	} {
		p := newPeers()
		for i, own := range row.own {
			p.heard("lb-1", map[string]wire.Pong{"lb-2": {Name: "lb-2", Version: row.other}}, own, 0, true, now.Add(time.Duration(i)*time.Second))
		}
		if got := p.isStale(now.Add(time.Duration(len(row.own)-1) * time.Second)); got != row.stale {
			t.Errorf("%s: stale %t", row.what, got)
		}
	}
	p := newPeers()
	for i := range 4 { // edges tell it as well
		p.heard("lb-1", nil, 7, 9, true, now.Add(time.Duration(i)*time.Second))
	}
	if !p.isStale(now.Add(3 * time.Second)) {
		t.Error("what edges follow counts for nothing")
	}
}

// That a balancer is gone is logged once, and that it is back; so is that nobody leads, but
// not before anybody has led.
func TestABalancerThatIsGoneIsLoggedOnce(t *testing.T) {
	var out bytes.Buffer
	p, log := newPeers(), zerolog.New(&out)
	all := []wire.Balancer{{Name: "lb-1"}, {Name: "lb-2"}, {Name: "lb-3"}}
	both, one := map[string]wire.Pong{"lb-2": {}, "lb-3": {}}, map[string]wire.Pong{"lb-2": {}}
	for i, row := range []struct {
		answered map[string]wire.Pong
		led      bool
		want     string
	}{
		{both, false, ""},
		{both, true, ""},
		{one, true, `"balancer":"lb-3","message":"a balancer does not answer"`},
		{one, true, ""},
		{one, false, "nobody leads the balancers"},
		{one, false, ""},
		{both, false, `"balancer":"lb-3","message":"a balancer answers again"`},
		{both, true, "the balancers have a leader again"},
		{both, true, ""},
	} {
		out.Reset()
		p.tell(log, all, "lb-1", row.answered, row.led)
		if said := out.String(); (said == "") != (row.want == "") || !strings.Contains(said, row.want) || strings.Count(said, "\n") > 1 {
			t.Errorf("look %d: %q is logged, not %q", i, said, row.want)
		}
	}
}

// A balancer that hears others, and that none of them hears, knows it after a while: not by
// one look, not where one of them hears it, and not where nobody answers.
func TestABalancerThatNoneOfTheOthersHears(t *testing.T) {
	now := time.Unix(1000, 0)
	not, hears := wire.Pong{Gone: []string{"lb-1"}}, wire.Pong{Gone: []string{"lb-4"}}
	for what, row := range map[string]struct {
		looks []map[string]wire.Pong // a second apart
		want  bool
	}{
		"none, three looks": {[]map[string]wire.Pong{{"lb-2": not, "lb-3": not}, {"lb-2": not}, {"lb-2": not, "lb-3": not}}, true},
		"none, two looks":   {[]map[string]wire.Pong{{"lb-2": not}, {"lb-2": not}}, false},
		"one of them":       {[]map[string]wire.Pong{{"lb-2": not, "lb-3": hears}, {"lb-2": not, "lb-3": hears}, {"lb-2": not, "lb-3": hears}}, false},
		"one again":         {[]map[string]wire.Pong{{"lb-2": not}, {"lb-2": hears}, {"lb-2": not}, {"lb-2": not}}, false},
		"nobody is there":   {[]map[string]wire.Pong{{}, {}, {}}, false},
		"nobody in between": {[]map[string]wire.Pong{{"lb-2": not}, {}, {"lb-2": not}, {"lb-2": not}}, false},
	} {
		p := newPeers()
		for i, answered := range row.looks {
			p.heard("lb-1", answered, 7, 0, true, now.Add(time.Duration(i)*time.Second))
		}
		if got := p.isMissed(now.Add(time.Duration(len(row.looks)-1) * time.Second)); got != row.want {
			t.Errorf("%s: %v", what, got)
		}
	}
	p := newPeers()
	p.heard("lb-1", map[string]wire.Pong{"lb-2": hears}, 7, 0, true, now)
	if got := p.silent([]wire.Balancer{{Name: "lb-1"}, {Name: "lb-2"}, {Name: "lb-3"}}, "lb-1"); len(got) != 1 || got[0] != "lb-3" {
		t.Errorf("%v are gone", got)
	}
}

// A balancer that has heard no leader for a while knows whether it is one of the cluster's
// for him whom the others follow: not by what a follower says, and not by an older build.
func TestABalancerThatWasTakenOutWhileItWasAway(t *testing.T) {
	now := time.Unix(1000, 0)
	for what, row := range map[string]struct {
		said []wire.Pong
		want bool
	}{
		"taken out":        {[]wire.Pong{{Name: "lb-2", Leader: "lb-2", Members: []string{"lb-2", "lb-3"}}}, true},
		"not reached":      {[]wire.Pong{{Name: "lb-2", Leader: "lb-2", Members: []string{"lb-1", "lb-2"}}}, false},
		"a follower's say": {[]wire.Pong{{Name: "lb-3", Leader: "lb-2", Members: []string{"lb-3"}}, {Name: "lb-2", Leader: "lb-2", Members: []string{"lb-1"}}}, false},
		"an older build":   {[]wire.Pong{{Name: "lb-2", Leader: "lb-2"}}, false},
	} {
		p, answered := newPeers(), map[string]wire.Pong{}
		for _, pong := range row.said {
			answered[pong.Name] = pong
		}
		p.heard("lb-1", answered, 7, 0, false, now)
		if leader, ok, out := p.misses(now.Add(staleFor)); leader != "lb-2" || !ok || out != row.want {
			t.Errorf("%s: leader %q, %v, out %v", what, leader, ok, out)
		}
	}
}
