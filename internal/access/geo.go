package access

import (
	"fmt"
	"net/netip"

	"github.com/oschwald/maxminddb-golang/v2"
)

// countries tells the country of an address: two letters, or "" when nobody knows.
type countries interface {
	of(netip.Addr) string
}

// geoFile is a MaxMind DB with countries (GeoLite2-Country, GeoIP2-City and such).
type geoFile struct{ db *maxminddb.Reader }

func openGeo(text []byte) (*geoFile, error) {
	db, err := maxminddb.OpenBytes(text)
	if err != nil {
		return nil, fmt.Errorf("no MaxMind DB: %w", err)
	}
	return &geoFile{db}, nil
}

func (g *geoFile) of(a netip.Addr) string {
	var code string
	if err := g.db.Lookup(a).DecodePath(&code, "country", "iso_code"); err != nil {
		return ""
	}
	return code
}
