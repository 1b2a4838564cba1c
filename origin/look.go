package origin

import (
	"fmt"

	"tandem/internal/wire"
	"tandem/origin/ingest"
)

// Look says what New would of what the settings name: directories, streams to loop, files.
// It changes nothing. Only after Validate.
func (c *Config) Look() error {
	if _, err := wire.GroupInterface(c.MulticastInterface, c.Listen); err != nil {
		return fmt.Errorf("--multicast-interface: %s: %w", c.MulticastInterface, err)
	}
	l, err := openLibrary(*c)
	if err != nil {
		return err
	}
	defer l.close()
	o := &Origin{config: *c, library: l}
	if err := o.loadChannels(); err != nil || !c.Ingest {
		return err
	}
	return ingest.CheckPoints(o.ingestConfig())
}
