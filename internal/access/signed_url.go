package access

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// A signed URL's token is that of EdgeAuth, which players and back ends know:
//
//	exp=1700000000~acl=/premium/a/*~ip=203.0.113.0/24~kid=k1~hmac=<64 hex digits>
//
// Fields are parted by '~'. hmac is the last one: HMAC-SHA256 with the key of
// all before it, without the '~'. exp (unix seconds) and acl have to be there:
// paths parted by '!', each whole or with a '*' at its end. st is when it begins,
// ip the viewer's address or network, kid the key; id, data and salt are the
// signer's own.

// judgeURL is for KindURL.
func (p *Policy) judgeURL(rule *Rule, text string, r Request, now time.Time) (Grant, error) {
	signed, mac, ok := strings.Cut(text, "~hmac=")
	sum, err := hex.DecodeString(mac)
	fields, whole := fieldsOf(signed)
	if !ok || err != nil || !whole {
		return Grant{}, refuse(ReasonInvalid, "the token is not a signed URL's: exp=...~acl=...~hmac=...")
	}
	if !rule.signed(fields["kid"], signed, sum) {
		return Grant{}, refuse(ReasonInvalid, "the token is not sealed by a key of this stream")
	}
	begins, ends, err := urlTimes(fields, now)
	if err != nil {
		return Grant{}, err
	}
	if ip, ok := fields["ip"]; ok && !within(ip, r.Address) {
		return Grant{}, refuse(ReasonScope, "the token is for another address")
	}
	folders, ok := aclFolders(fields["acl"], pathOf(r.Target))
	if !ok {
		return Grant{}, refuse(ReasonScope, "the token is for other paths")
	}
	until, err := rule.lifetime(begins, ends, now)
	return Grant{Until: until, folders: folders, Subject: fields["id"]}, err
}

var urlFields = map[string]bool{"st": true, "exp": true, "acl": true, "ip": true, "kid": true, "id": true, "data": true, "salt": true}

// fieldsOf reads the fields; one that is unknown or there twice spoils all.
func fieldsOf(text string) (map[string]string, bool) {
	fields := map[string]string{}
	for part := range strings.SplitSeq(text, "~") {
		name, value, ok := strings.Cut(part, "=")
		if _, twice := fields[name]; !ok || twice || !urlFields[name] {
			return nil, false
		}
		fields[name] = value
	}
	return fields, true
}

func (r *Rule) signed(id, text string, sum []byte) bool {
	for _, k := range r.keysFor(id, false) {
		mac := hmac.New(sha256.New, k.secret)
		mac.Write([]byte(text))
		if hmac.Equal(mac.Sum(nil), sum) {
			return true
		}
	}
	return false
}

func urlTimes(fields map[string]string, now time.Time) (begins, ends time.Time, err error) {
	ends, ok := urlTime(fields["exp"])
	if !ok {
		return begins, ends, refuse(ReasonInvalid, "the token does not say when it ends (exp, unix seconds)")
	}
	if !now.Before(ends) {
		return begins, ends, refuse(ReasonExpired, "the token has expired")
	}
	if text, said := fields["st"]; said {
		if begins, ok = urlTime(text); !ok {
			return begins, ends, refuse(ReasonInvalid, "the token does not say when it begins (st, unix seconds)")
		}
		if now.Before(begins) {
			return begins, ends, refuse(ReasonEarly, "the token is not valid yet")
		}
	}
	return begins, ends, nil
}

func urlTime(text string) (time.Time, bool) {
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil || n > longest {
		return time.Time{}, false
	}
	return time.Unix(int64(n), 0), true
}

// within tells whether an address is the one, or of the network, in a text.
func within(text string, a netip.Addr) bool {
	if one, err := netip.ParseAddr(text); err == nil {
		return one.Unmap() == a.Unmap()
	}
	network, err := netip.ParsePrefix(text)
	return err == nil && network.Contains(a.Unmap())
}

// aclFolders tells whether a path is among those of a list, and how many folders of
// it are covered as a whole: those of the widest prefix, or the entry's own one,
// since a stream is more than its entry.
func aclFolders(list, path string) (folders int, found bool) {
	folders = depth(path)
	for one := range strings.SplitSeq(list, "!") {
		prefix, open := strings.CutSuffix(one, "*")
		switch {
		case open && prefix != "" && strings.HasPrefix(path, prefix):
			folders, found = min(folders, covered(prefix, path)), true
		case !open && one == path:
			found = true
		}
	}
	return folders, found
}

// SignURL makes the token of a signed URL. acl is a list as above; address and id
// may be empty.
func SignURL(key []byte, id, acl, address string, until time.Time) string {
	text := fmt.Sprintf("exp=%d~acl=%s", until.Unix(), acl)
	if address != "" {
		text += "~ip=" + address
	}
	if id != "" {
		text += "~kid=" + id
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return text + "~hmac=" + hex.EncodeToString(mac.Sum(nil))
}
