package serve

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"time"

	"github.com/rs/zerolog"
)

// anywhere are addresses outside every network of one's own (RFC 5737, RFC 3849): nothing
// is sent there, only the way is looked up.
var anywhere = []string{"192.0.2.1:9", "[2001:db8::1]:9"}

// nearLimit bounds the look-up of a name that says whether somebody is near.
const nearLimit = time.Second

// Advertised is the base URL by which others reach a listener. One at all addresses
// has none of its own: others are told the one that faces towards, the base URLs of
// whom they are, else the way out of this machine; the log says so. flag is the
// setting that says it otherwise.
func Advertised(ln net.Listener, flag string, towards []string, log zerolog.Logger) (string, error) {
	tcp, ok := ln.Addr().(*net.TCPAddr)
	if !ok || !tcp.IP.IsUnspecified() {
		return BaseURL(ln), nil
	}
	for _, base := range append(hosts(towards), anywhere...) {
		ip := facing(base)
		if ip == nil || tcp.IP.To4() != nil && ip.To4() == nil { // 0.0.0.0 is all of IPv4, and none of IPv6
			continue
		}
		at := "http://" + net.JoinHostPort(ip.String(), fmt.Sprint(tcp.Port))
		log.Info().Str("address", at).Str("set", flag).Msg("listening at all addresses: others are told this one")
		return at, nil
	}
	return "", fmt.Errorf("%s: %s is no address that others can call, and none was found that faces them: give the base URL by which they reach this node, like http://10.0.0.5:%d", flag, ln.Addr(), tcp.Port)
}

// facing is the address of this machine from which packets to a host go out; nil:
// there is no way.
func facing(hostport string) net.IP {
	conn, err := net.Dial("udp", hostport)
	if err != nil {
		return nil
	}
	defer conn.Close()
	if at, ok := conn.LocalAddr().(*net.UDPAddr); ok && !at.IP.IsUnspecified() {
		return at.IP
	}
	return nil
}

// CheckNear is nil where those at bases, whom this node calls, can call at, HOST:PORT, as well:
// a loopback address is another machine's own to whoever is there, and a link-local one of IPv6
// needs a zone. Names that can't be looked
// up say nothing. flag is the setting that mends it.
func CheckNear(flag, at string, bases []string) error {
	host, port, err := net.SplitHostPort(at)
	ip, _ := netip.ParseAddr(host)
	if ip.Is6() && ip.IsLinkLocalUnicast() && len(hosts(bases)) > 0 {
		return fmt.Errorf("%s: %s is an address of one link, whose zone has another name on each machine: give another address of this one", flag, at)
	}
	if err != nil || host != "localhost" && !ip.IsLoopback() {
		return nil
	}
	for _, base := range hosts(bases) {
		conn, err := net.DialTimeout("udp", base, nearLimit)
		if err != nil {
			continue
		}
		from, to := conn.LocalAddr().(*net.UDPAddr).IP, conn.RemoteAddr().(*net.UDPAddr).IP
		conn.Close()
		if !from.Equal(to) && !from.IsLoopback() {
			return fmt.Errorf("%s: %s is an address of this machine alone, and %s is another machine: give an address of this one, like %s", flag, at, base, net.JoinHostPort(from.String(), port))
		}
	}
	return nil
}

func hosts(bases []string) []string {
	var list []string
	for _, base := range bases {
		u, err := url.Parse(base)
		if err != nil || u.Host == "" {
			continue
		}
		port := u.Port()
		if port == "" {
			port = "80"
		}
		list = append(list, net.JoinHostPort(u.Hostname(), port))
	}
	return list
}
