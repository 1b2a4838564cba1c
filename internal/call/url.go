package call

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// CheckBaseURL is nil for a base URL of a node, and else names the field and the
// mend.
func CheckBaseURL(field, text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		return fmt.Errorf("%s: %q is no base URL; want one like http://127.0.0.1:8080", field, text)
	}
	return nil
}

// CheckReached is CheckBaseURL for one at which others are to reach a node.
func CheckReached(field, text string) error {
	if err := CheckBaseURL(field, text); err != nil {
		return err
	}
	u, _ := url.Parse(text)
	if unreachable(u.Hostname(), u.Port()) {
		return fmt.Errorf("%s: nobody else reaches this node at %q; want a name or an address of its own, like http://10.0.0.1:8080", field, text)
	}
	return nil
}

// CheckAddress is nil for HOST:PORT at which others can dial a node.
func CheckAddress(field, text string) error {
	host, port, err := net.SplitHostPort(text)
	if n, bad := strconv.Atoi(port); err != nil || bad != nil || n < 0 || n > 65535 || strings.ContainsAny(host, " /=,@\"") {
		return fmt.Errorf("%s: %q is no address; want HOST:PORT, like 10.0.0.1:7080", field, text)
	}
	if host == "" || unreachable(host, port) {
		return fmt.Errorf("%s: nobody else reaches this node at %q; want a name or an address of its own, like 10.0.0.1:7080", field, text)
	}
	return nil
}

// unreachable tells whether that names no host of its own, or no port.
func unreachable(host, port string) bool {
	ip := net.ParseIP(host)
	return ip != nil && ip.IsUnspecified() || port == "0"
}

// CheckFrom is nil where a node that calls from an address can be reached by others at what it
// says of itself, HOST:PORT or a base URL: a loopback address is another machine's own to
// whoever is there.
func CheckFrom(field, told, from string) error {
	base := told
	if !strings.Contains(base, "://") {
		base = "http://" + base
	}
	if !isLoopback(base) || isNear(from) {
		return nil
	}
	return fmt.Errorf("%s: %s is an address of one machine alone, and this call comes from another one (%s); want one that others reach, like 10.0.0.1", field, told, from)
}

// isNear tells whether who calls from there, HOST:PORT, is on this machine.
func isNear(from string) bool {
	host, _, err := net.SplitHostPort(from)
	ip := net.ParseIP(host)
	if err != nil || ip == nil || ip.IsLoopback() {
		return true
	}
	own, err := net.InterfaceAddrs()
	return err != nil || slices.ContainsFunc(own, func(a net.Addr) bool {
		n, ok := a.(*net.IPNet)
		return ok && n.IP.Equal(ip)
	})
}

// ToldAdmin is the base URL of an admin listener as others are told it by a node that they
// reach at base: a loopback address is another machine's own to whoever hears it there, and
// no certificate names it; so it is "".
func ToldAdmin(admin, base string) string {
	if isLoopback(admin) && !isLoopback(base) {
		return ""
	}
	return admin
}

func isLoopback(base string) bool {
	u, err := url.Parse(base)
	return err == nil && (u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback())
}
