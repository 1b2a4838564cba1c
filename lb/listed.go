package lb

import (
	"fmt"
	"net"
	"net/url"
	"strings"
)

// Contradictions are settings by which this balancer listens elsewhere than its line in
// peers says, where the others call it: each in a line that names the setting and the mend.
// A network may lead one to the other, so they are told and not refused, and not told where
// raft-advertise or advertise says what is meant. The others call both for Raft, and are told
// the other one where none reaches it by the line: that may be older than the address, as it is
// of a balancer that was moved. Only after Validate.
func (c *Config) Contradictions() (lines []string) {
	for _, p := range c.peers {
		if p.Name != c.Name {
			continue
		}
		if also := c.alsoRaft(); also != "" {
			lines = append(lines, fmt.Sprintf("--raft-listen: %s, and the others call %s for Raft at %s, by its line in peers: correct the line, on all balancers, or give --raft-advertise; where nobody answers there they call %s", c.raft.Bind, c.Name, p.Raft, also))
		}
		if also := c.alsoHTTP(); also != "" {
			name, listen := c.called()
			lines = append(lines, fmt.Sprintf("%s: %s, and the others call %s at %s, by its line in peers: correct the line, on all balancers, or give --advertise; where none reaches it there they are told %s", name, listen, c.Name, p.HTTP, also))
		}
	}
	return lines
}

// called is the listener that nodes call, and its setting.
func (c *Config) called() (name, listen string) {
	if c.NodeListen != "" {
		return "--node-listen", c.NodeListen
	}
	return "--listen", c.Listen
}

// alsoHTTP is the base URL at which this balancer listens for nodes, when that is not what its
// line in peers says and no advertise says what is meant; "": it is.
func (c *Config) alsoHTTP() string {
	_, listen := c.called()
	for _, p := range c.peers {
		if p.Name != c.Name || c.Advertise != "" || !elsewhere(listen, hostPort(p.HTTP)) {
			continue
		}
		if u, err := url.Parse(p.HTTP); err == nil {
			return reachable(listen, u.Hostname(), strings.EqualFold(u.Scheme, "https"))
		}
	}
	return ""
}

// alsoRaft is where this balancer listens for Raft, when that is not what its line in peers
// says and no raft-advertise says what is meant; "": it is. At all addresses is at that of
// the line.
func (c *Config) alsoRaft() string {
	for _, p := range c.peers {
		if p.Name != c.Name || c.raft.Advertise != "" || !elsewhere(c.raft.Bind, p.Raft) {
			continue
		}
		host, _, err := net.SplitHostPort(p.Raft)
		if err != nil {
			return ""
		}
		return strings.TrimPrefix(reachable(c.raft.Bind, host, false), "http://")
	}
	return ""
}

// elsewhere tells whether who calls at does not come to who listens there: to another
// port, or from one address of its own to another one. Names are not looked up.
func elsewhere(listen, at string) bool {
	host, port, err := net.SplitHostPort(listen)
	called, dialled, calledErr := net.SplitHostPort(at)
	if err != nil || calledErr != nil || port == "0" {
		return false
	}
	own, other := net.ParseIP(host), net.ParseIP(called)
	return port != dialled || own != nil && other != nil && !own.IsUnspecified() && !own.Equal(other)
}

// hostPort is host:port of a base URL.
func hostPort(base string) string {
	u, err := url.Parse(base)
	if err != nil {
		return ""
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[strings.ToLower(u.Scheme)]
	}
	return net.JoinHostPort(u.Hostname(), port)
}
