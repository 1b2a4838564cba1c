package proxied

import (
	"fmt"
	"net/netip"

	"tandem/internal/setting"
)

// Config says which proxies stand before a listener.
type Config struct {
	announce, trust []string

	Announce Networks // their connections begin with a header of the PROXY protocol
	Trust    Networks // their requests say in Field who asks
	Field    string
}

// Settings are the rows of docs/config.md.
func (c *Config) Settings() []setting.Row {
	return []setting.Row{
		setting.List(&c.announce, "proxy-protocol", "Addresses and networks (10.0.0.0/8, 2001:db8::/32) whose connections to the viewers' listeners begin with a header of the PROXY protocol, version 1 or 2: budgets, tokens, logs and the origin see the client that it names. One without it is reset, so nodes must not call from there."),
		setting.List(&c.trust, "trusted-proxies", "Addresses and networks of HTTP proxies whose trusted-field is believed: the client is the last address in it that is none of theirs. Their connections are not counted as one client's."),
		setting.String(&c.Field, "trusted-field", XForwardedFor, "The field that trusted-proxies add the client's address to: X-Forwarded-For, or Forwarded (RFC 7239). The other one is not believed: clients may have written it."),
	}
}

// Validate reads the networks, and names the first that is none.
func (c *Config) Validate() (err error) {
	if c.Announce, err = ParseNetworks(c.announce); err != nil {
		return fmt.Errorf("--proxy-protocol: %w", err)
	}
	if c.Trust, err = ParseNetworks(c.trust); err != nil {
		return fmt.Errorf("--trusted-proxies: %w", err)
	}
	if c.Field == "" {
		c.Field = XForwardedFor
	}
	if c.Field != XForwardedFor && c.Field != Forwarded {
		return fmt.Errorf("--trusted-field: %q is neither %s nor %s", c.Field, XForwardedFor, Forwarded)
	}
	return nil
}

// Announces tells whether a connection from an address begins with a header.
func (c *Config) Announces(a netip.Addr) bool { return len(c.Announce) > 0 && c.Announce.Has(a) }

// Trusts tells whether requests of an address say who asks.
func (c *Config) Trusts(a netip.Addr) bool { return len(c.Trust) > 0 && c.Trust.Has(a) }

// ClientOf is what counts as one client of an address by clientOf; trusted proxies are
// none: empty.
func (c *Config) ClientOf(clientOf func(string) string) func(address string) string {
	return func(address string) string {
		if len(c.Trust) > 0 {
			if a, err := netip.ParseAddr(address); err == nil && c.Trust.Has(a) {
				return ""
			}
		}
		return clientOf(address)
	}
}
