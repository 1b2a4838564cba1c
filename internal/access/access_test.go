package access

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tandem/internal/wire"
)

func TestRuleOfTheLongestPrefixDecidesAlone(t *testing.T) {
	s := newStage(t)
	p := s.policy(
		"prefix: /premium/, tokens: [url], "+allKeys,
		"prefix: /premium/trailers/",
		"prefix: /here/, countries: [NO], not-addresses: [203.0.113.99]",
		"prefix: /there/, not-countries: [NO]",
		"prefix: /office/, addresses: [203.0.113.0/24, '2001:db8::/32']",
	)
	for _, row := range []struct{ target, address, reason string }{
		{"/free/a.m3u8", "203.0.113.7", ""},
		{"/premium/a.m3u8", "203.0.113.7", ReasonMissing},
		{"/premium/trailers/a.m3u8", "203.0.113.7", ""},
		{"/premium", "203.0.113.7", ""}, // another path
		{"/here/a.m3u8", "203.0.113.7", ""},
		{"/here/a.m3u8", "203.0.113.99", ReasonAddress},
		{"/here/a.m3u8", "198.51.100.1", ReasonCountry},
		{"/here/a.m3u8", "192.0.2.1", ReasonCountry}, // nobody knows where
		{"/there/a.m3u8", "203.0.113.7", ReasonCountry},
		{"/there/a.m3u8", "192.0.2.1", ""},
		{"/there/a.m3u8", "::ffff:203.0.113.7", ReasonCountry}, // as a dual-stack listener says it
		{"/office/a.m3u8", "::ffff:203.0.113.7", ""},
		{"/office/a.m3u8", "2001:db8::1", ""},
		{"/office/a.m3u8", "2001:db9::1", ReasonAddress},
	} {
		r := asks(row.target)
		r.Address = netip.MustParseAddr(row.address)
		if _, err := p.Open(r, moment); reason(err) != row.reason {
			t.Errorf("%s from %s: %v, want %q", row.target, row.address, err, row.reason)
		}
	}
	if g, err := (*Policy)(nil).Open(asks("/premium/a.m3u8"), moment); err != nil || g.Target != "/premium/a.m3u8" || g.Scope != 0 {
		t.Error("without a policy:", g, err)
	}
}

func TestSignedURLOpensWhatWasSigned(t *testing.T) {
	p := newStage(t).policy("prefix: /premium/, tokens: [url], " + allKeys)
	until := moment.Add(time.Hour)
	sign := func(acl, address string) string { return SignURL([]byte(firstSecret), "k1", acl, address, until) }
	good := sign("/premium/a/*", "")
	for what, row := range map[string]struct {
		token, reason string
		scope         int
	}{
		"a prefix":              {good, "", 2},
		"a wider prefix":        {sign("/premium/*", ""), "", 1},
		"all":                   {sign("/*", ""), "", 0},
		"the widest of a list":  {sign("/x/*!/premium/*!/premium/a/*", ""), "", 1},
		"the entry alone":       {sign("/premium/a/m.m3u8", ""), "", 2},
		"half a folder's name":  {sign("/premium/a/m*", ""), "", 2},
		"the address":           {sign("/*", "203.0.113.7"), "", 0},
		"the network":           {sign("/*", "203.0.113.0/28"), "", 0},
		"another address":       {sign("/*", "203.0.113.8"), ReasonScope, 0},
		"no address at all":     {sign("/*", "nowhere"), ReasonScope, 0},
		"another prefix":        {sign("/premium/b/*", ""), ReasonScope, 0},
		"a prefix of the name":  {sign("/premium/a/m.m3", ""), ReasonScope, 0},
		"an empty prefix":       {sign("*", ""), ReasonScope, 0},
		"the other key":         {SignURL([]byte(secondSecret), "k2", "/*", "", until), "", 0},
		"no key's name":         {SignURL([]byte(secondSecret), "", "/*", "", until), "", 0},
		"a key by another name": {SignURL([]byte(secondSecret), "k1", "/*", "", until), ReasonInvalid, 0},
		"a foreign key":         {SignURL([]byte("somebody else's key altogether"), "", "/*", "", until), ReasonInvalid, 0},
		"its end":               {SignURL([]byte(firstSecret), "", "/*", "", moment), ReasonExpired, 0},
		"changed":               {strings.Replace(good, "premium", "premiun", 1), ReasonInvalid, 0},
		"cut":                   {good[:len(good)-2], ReasonInvalid, 0},
		"no seal":               {strings.Split(good, "~hmac")[0], ReasonInvalid, 0},
		"empty":                 {"", ReasonInvalid, 0},
		"long":                  {sealURL("exp=1900000000~acl=/*~data=" + strings.Repeat("x", maxToken)), ReasonInvalid, 0},
		"an empty key":          {SignURL(nil, "", "/*", "", until), ReasonInvalid, 0},
	} {
		g, err := p.Open(asks("/premium/a/m.m3u8?q=1&token="+row.token+"&r=%2f"), moment)
		if reason(err) != row.reason {
			t.Errorf("%s: %v, want %q", what, err, row.reason)
		} else if err == nil && (g.Target != "/premium/a/m.m3u8?q=1&r=%2f" || g.Scope != scopeOf(row.scope) || !g.Until.Equal(until)) {
			t.Errorf("%s: %+v, want scope %d", what, g, row.scope)
		}
		if err != nil && row.token != "" && (strings.Contains(err.Error(), row.token[:10]) || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%s: the refusal says too much: %q", what, err)
		}
	}
	// As a player sends it: what may be escaped is escaped.
	escaped := strings.NewReplacer("*", "%2A", "~", "%7E", "=", "%3D", "/", "%2F").Replace(good)
	if g, err := p.Open(asks("/premium/a/m.m3u8?token="+escaped), moment); err != nil || g.Target != "/premium/a/m.m3u8" {
		t.Errorf("escaped: %+v, %v", g, err)
	}
}

// A field that is there twice, or that nobody knows, could mean one thing to who
// signs and another one here.
func TestSignedURLThatIsNotUnderstoodOpensNothing(t *testing.T) {
	p := newStage(t).policy("prefix: /, tokens: [url], keys: [{id: k1, file: k1}]")
	for what, fields := range map[string]string{
		"an unknown field":  "exp=1900000000~acl=/*~url=/x",
		"a field twice":     "exp=1900000000~acl=/premium/*~acl=/*",
		"no end":            "acl=/*",
		"no paths":          "exp=1900000000",
		"an end in words":   "exp=tomorrow~acl=/*",
		"a start in words":  "st=now~exp=1900000000~acl=/*",
		"a start to come":   "st=1800000001~exp=1900000000~acl=/*",
		"no field":          "",
		"a field of a name": "exp",
	} {
		if _, err := p.Open(asks("/a.m3u8?token="+sealURL(fields)), moment); err == nil {
			t.Errorf("%s opens", what)
		}
	}
	if _, err := p.Open(asks("/a.m3u8?token="+sealURL("st=1800000000~exp=1900000000~acl=/*~id=me+you~data=x~salt=y")), moment); err != nil {
		t.Error("all that is known:", err)
	}
}

// Every node is told what is protected; of a rule about addresses a viewer is let in
// everywhere below, of none nowhere.
func TestWhoIsLetInByAddressReachesTheWholePrefix(t *testing.T) {
	p := newStage(t).policy("prefix: /office/, addresses: [203.0.113.0/24]", "prefix: /office/lobby/")
	want := []wire.Protected{{Prefix: "/office/"}, {Prefix: "/office/lobby/", Open: true}}
	if got := p.Protected(); !slices.Equal(got, want) || (*Policy)(nil).Protected() != nil {
		t.Errorf("protected: %v", got)
	}
	for target, scope := range map[string]uint8{"//office/a/m.m3u8": 1, "/office/lobby/m.m3u8": 0, "/m.m3u8": 0} {
		if g, err := p.Open(asks(target), moment); err != nil || g.Scope != scope {
			t.Errorf("%s: %+v, %v", target, g, err)
		}
	}
}

func TestPolicyThatCannotBeMeantIsRefusedWithTheMend(t *testing.T) {
	s := newStage(t)
	s.write("weak", "aaaaaaaaaaaaaaaaaaaa")
	s.write("short", "41414141")
	s.write("private.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
	if err := os.Chmod(s.write("loose", firstSecret), 0o644); err != nil {
		t.Fatal(err)
	}
	for row, says := range map[string]string{
		"rules: [{prefix: premium}]":                                                      "from '/'",
		"rules: [{prefix: '/p?x/'}]":                                                      "from '/'",
		"rules: [{prefix: /p/, tokens: [basic]}]":                                         "none of url, jwt, cat",
		"rules: [{prefix: /p/, parameters: {basic: x}}]":                                  "none of url, jwt, cat",
		"rules: [{prefix: /p/, tokens: [url]}]":                                           "no key",
		"rules: [{prefix: /p/, tokens: [url], keys: [{id: a, file: nothing}]}]":           "no such file",
		"rules: [{prefix: /p/, tokens: [url], keys: [{id: a, file: weak}]}]":              "guessed",
		"rules: [{prefix: /p/, tokens: [url], keys: [{id: a, file: loose}]}]":             "chmod 600",
		"rules: [{prefix: /p/, tokens: [url], keys: [{id: a, file: private.pem}]}]":       "public key",
		"rules: [{prefix: /p/, tokens: [url], keys: [{id: a, file: k1, encoding: x}]}]":   "none of text",
		"rules: [{prefix: /p/, tokens: [url], keys: [{id: a, file: k1, encoding: hex}]}]": "not in hex",
		"rules: [{prefix: /p/, countries: [NO]}]":                                         "geo file",
		"geo: geo.mmdb\nrules: [{prefix: /p/, countries: [norway]}]":                      "two capital letters",
		"geo: k1\nrules: []":                        "MaxMind",
		"rules: [{prefix: /p/, addresses: [here]}]": "neither an address",
		"rules: [{prefix: /p/}, {prefix: /p/}]":     "another rule",
		"rules: [{prefix: /p/, unknown: 1}]":        "unknown",
		"rules: {":                                  "did not find expected",
		"":                                          "it is empty", // as it is while somebody writes it, or the disk is full: nobody is let in by that
		" \n\n":                                     "it is empty",
	} {
		_, _, err := Load(s.write("access.yaml", row))
		if err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "access.yaml") || strings.Contains(err.Error(), firstSecret) {
			t.Errorf("%s: %v, want %q", row, err, says)
		}
	}
	p, files, err := Load(s.write("access.yaml", "rules: []"))
	if err != nil || len(files) != 1 || len(p.Protected()) > 0 {
		t.Error("no rules:", err)
	}
	_, files, err = Load(s.write("access.yaml", "geo: geo.mmdb\nrules: [{prefix: /p/, tokens: [url], keys: [{id: a, file: k1}]}]"))
	if err != nil || len(files) != 3 || files[2] != filepath.Join(s.dir, "k1") {
		t.Error(files, err)
	}
}
