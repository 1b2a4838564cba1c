package edge

import (
	"cmp"

	"tandem/edge/fetch"
	"tandem/edge/manifest"
	"tandem/edge/member"
	"tandem/edge/multicast"
	"tandem/edge/rules"
	"tandem/internal/media"
	"tandem/internal/wire"
)

// manifests are the settings of the room that reads them.
func (c *Config) manifests() manifest.Config {
	return manifest.Config{Limit: cmp.Or(c.ManifestLimit, media.DefaultLimit), Memory: cmp.Or(c.ManifestMemory, defaultManifests), Wait: c.forRoom}
}

// defaultManifests is how much of manifests is kept, in bytes.
const defaultManifests = 64 << 20

// fetch are the settings of the room that gets objects.
func (c *Config) fetch(loopID string) fetch.Config {
	return fetch.Config{
		Name: c.Name, LoopID: loopID, OriginTimeout: c.OriginTimeout, PeerSilent: c.PeerSilent, Duplication: c.Duplication, Named: c.Identity != "",
		ManifestLimit: c.manifests().Limit, Spool: c.Data, ToPublish: c.toPublish, StallAfter: cmp.Or(c.stallAfter, c.OriginTimeout/5),
	}
}

// member are the settings of the room that is the ring's.
func (c *Config) member() member.Config {
	return member.Config{
		Name: c.Name, Data: c.Data, Balancers: c.Balancers, Capacity: c.Capacity, Assumed: c.assumed, Public: c.PublicURL, Zone: c.Zone, After: c.After, NoticeEvery: c.NoticeEvery, SilentFor: c.SilentFor,
		ReportEvery: c.ReportEvery, SessionIdle: c.SessionIdle, ProvisionalIdle: c.ProvisionalIdle, ProvisionalPerClient: c.ProvisionalEach, CopyRate: c.CopyRate, FillTimeout: c.OriginTimeout, Query: c.query,
	}
}

// multicast are the settings of the room that hears the group.
func (c *Config) multicast(keys *wire.KeyRing) multicast.Config {
	return multicast.Config{
		Keys:  c.datagramKeys(keys),
		Group: c.MulticastGroup, Interface: c.MulticastInterface, Listen: c.Listen, Query: c.query, OriginTimeout: c.OriginTimeout,
		Lose: c.lose, PeerRepair: c.peerRepair, Room: c.room,
	}
}

// datagramKeys are those that open datagrams: the cluster's, and, where nodes have no
// names, the one that the secret makes.
func (c *Config) datagramKeys(keys *wire.KeyRing) func(id uint8) ([]byte, bool) {
	var own []byte
	if c.Identity == "" && c.Secret.Valid() {
		own = c.Secret.DatagramKey().Secret
	}
	return func(id uint8) ([]byte, bool) {
		if id == 0 {
			return own, own != nil
		}
		set := keys.Keys().Datagrams
		k, ok := set.Find(id)
		return k.Secret, ok
	}
}

// shown tells whether a request shows that it comes from a node, where nodes have no
// names: then it is its connection that says so.
func (c *Config) shown(h rules.Fields) bool {
	return c.Identity == "" && c.Secret.Valid() && h.Get(wire.HeaderFrom) != "" && c.Secret.Shown(h.Get(wire.HeaderAuth))
}
