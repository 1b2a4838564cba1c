package origin

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"tandem/internal/wire"
)

func multicastSecret(t *testing.T) wire.Secret {
	t.Helper()
	secret, err := wire.NewSecret("a secret that only tests know")
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

// joined is a member of a group on the loopback interface.
func joined(t *testing.T, group *net.UDPAddr) *net.UDPConn {
	t.Helper()
	at, err := wire.GroupInterface("", "127.0.0.1:0")
	if err != nil || at == nil {
		t.Fatal("no loopback interface:", err)
	}
	member, err := net.ListenMulticastUDP("udp4", at, group)
	if err != nil {
		t.Fatal("no multicast on the loopback interface:", err)
	}
	t.Cleanup(func() { member.Close() })
	if err := member.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return member
}

// freePort is a UDP port that nobody has at the moment.
func freePort(t *testing.T) int {
	t.Helper()
	c, err := net.ListenUDP("udp4", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).Port
}

// assembled reads datagrams until one object is whole; each part may come once.
func assembled(t *testing.T, member *net.UDPConn, opens *wire.DatagramOpener) (wire.Datagram, []byte) {
	t.Helper()
	var first wire.Datagram
	var whole []byte
	for got, buffer := 0, make([]byte, 2048); whole == nil || got < len(whole); {
		n, err := member.Read(buffer)
		if err != nil {
			t.Fatalf("after %d bytes: %v", got, err)
		}
		d, err := opens.Open(buffer[:n])
		if err != nil {
			t.Fatal(err)
		}
		if whole == nil {
			first, whole = d, make([]byte, d.Total)
		}
		if d.Object != first.Object || d.Total != first.Total || d.Offset != int64(got) {
			t.Fatalf("after %d bytes of %+v: %+v", got, first, d)
		}
		got += copy(whole[d.Offset:], d.Body)
	}
	return first, whole
}

func TestTheGroupGetsTheObjectOnceAndTheAskerItsHeadAlone(t *testing.T) {
	secret := multicastSecret(t)
	address := &net.UDPAddr{IP: net.IPv4(239, 255, 77, 2), Port: freePort(t)}
	members := []*net.UDPConn{joined(t, address), joined(t, address)}
	dir := t.TempDir()
	text := strings.Repeat("0123456789", 5000)
	write(t, dir, "film/1.ts", text)
	o := start(t, Config{Media: dir, Listen: "127.0.0.1:0"}, Deps{Secret: secret})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- o.Run(ctx) }()
	ordinary, _ := o.ask(t, http.MethodHead, "/film/1.ts", nil, wire.HeaderAuth, secret.Bearer())
	answer, body := o.get(t, "/film/%31.ts?x=1", wire.HeaderAuth, secret.Bearer(), wire.HeaderDest, "udp://"+address.String())
	digest := sha256.Sum256([]byte(text))
	if answer.StatusCode != 202 || body != "" || answer.Header.Get(wire.HeaderLength) != strconv.Itoa(len(text)) || answer.Header.Get(wire.HeaderDigest) != hex.EncodeToString(digest[:]) {
		t.Fatalf("%s %q %v", answer.Status, body, answer.Header)
	}
	for _, name := range []string{"ETag", "Content-Type", "Cache-Control", "Last-Modified"} {
		if answer.Header.Get(name) != ordinary.Header.Get(name) || answer.Header.Get(name) == "" {
			t.Errorf("%s: %q, ordinarily %q", name, answer.Header.Get(name), ordinary.Header.Get(name))
		}
	}
	for _, member := range members {
		d, whole := assembled(t, member, wire.NewDatagramOpener(func(id uint8) ([]byte, bool) { return secret.DatagramKey().Secret, id == 0 }))
		if d.Key != "/film/%31.ts?x=1" || d.ETag != answer.Header.Get("ETag") || d.Digest != digest || d.Type != "video/mp2t" || d.Caching != immortal ||
			d.Changed != answer.Header.Get("Last-Modified") || fmt.Sprintf("%016x", d.Object) != answer.Header.Get(wire.HeaderMulticast) {
			t.Errorf("%+v", d)
		}
		if !bytes.Equal(whole, []byte(text)) {
			t.Error("the parts are not the whole")
		}
	}
	// A hole is asked for by range, and that is all that is sent then.
	answer, body = o.get(t, "/film/1.ts", wire.HeaderAuth, secret.Bearer(), wire.HeaderDest, "udp://"+address.String(), "Range", "bytes=10-13", "If-Range", answer.Header.Get("ETag"))
	if answer.StatusCode != 206 || body != "0123" {
		t.Errorf("%s %q", answer.Status, body)
	}
	stop()
	if err := soon(t, ended); err != nil {
		t.Fatal(err)
	}
	for waits := 0; value(t, o, "tandem_origin_sent_bytes_total") != float64(len(text)+4); waits++ { // bytes count once they are written, and may be read before
		if n := value(t, o, "tandem_origin_sent_bytes_total"); waits == 1000 || n > float64(len(text)+4) {
			t.Fatalf("%v bytes sent, want %d", n, len(text)+4)
		}
		time.Sleep(10 * time.Millisecond)
	}
	if n := value(t, o, "tandem_origin_deliveries_total"); n != 1 {
		t.Errorf("%v deliveries counted, want 1", n)
	}
}

func TestWhatIsNotForTheGroupIsAnsweredAsUsual(t *testing.T) {
	secret := multicastSecret(t)
	dir := t.TempDir()
	write(t, dir, "film/1.ts", "segment")
	write(t, dir, "film/none.ts", "")
	write(t, dir, "film/index.m3u8", vodList)
	write(t, dir, "film/"+strings.Repeat("n", 200)+"/"+strings.Repeat("n", 200)+".ts", "segment")
	o := start(t, Config{Media: dir, Listen: "127.0.0.1:0", MulticastRate: 64 << 10, MulticastHops: 1}, Deps{Secret: secret}) // it does not run: nothing goes out
	auth := []string{wire.HeaderAuth, secret.Bearer(), wire.HeaderDest, "udp://239.255.77.2:9"}
	plain, _ := o.get(t, "/film/1.ts")
	for what, c := range map[string]struct {
		path    string
		headers []string
		status  int
	}{
		"a viewer":        {"/film/1.ts", auth[2:], 200},
		"no group":        {"/film/1.ts", []string{wire.HeaderAuth, secret.Bearer(), wire.HeaderDest, "udp://192.0.2.1:9"}, 200},
		"a playlist":      {"/film/index.m3u8", auth, 200},
		"nothing":         {"/film/none.ts", auth, 200},
		"no room for it":  {"/film/1.ts?" + strings.Repeat("q", 1200), auth, 200},
		"unchanged":       {"/film/1.ts", append([]string{"If-None-Match", plain.Header.Get("ETag")}, auth...), 304},
		"not there":       {"/film/2.ts", auth, 404},
		"part of it":      {"/film/1.ts", append([]string{"Range", "bytes=0-0"}, auth...), 206},
		"for the group":   {"/film/1.ts?first", auth, 202},
		"a long name too": {"/film/" + strings.Repeat("n", 200) + "/" + strings.Repeat("n", 200) + ".ts", auth, 202},
	} {
		if answer, _ := o.get(t, c.path, c.headers...); answer.StatusCode != c.status || (answer.Header.Get(wire.HeaderMulticast) != "") != (c.status == 202) {
			t.Errorf("%s: %s %v", what, answer.Status, answer.Header)
		}
	}
	// The group falls behind: a quarter of a second at 64 KiB a second.
	write(t, dir, "film/large.ts", strings.Repeat("x", 16<<10))
	if answer, _ := o.get(t, "/film/large.ts", auth...); answer.StatusCode != 200 || answer.ContentLength != 16<<10 || answer.Header.Get(wire.HeaderMulticast) != "" {
		t.Errorf("beyond what the group can be behind: %s %v", answer.Status, answer.Header)
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if err := o.Run(stopped); err != nil { // ends with what waits dropped
		t.Fatal(err)
	}
}
