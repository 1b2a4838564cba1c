package main

import (
	"fmt"

	"tandem/internal/secret"
	"tandem/internal/wire"
)

// secretOf reads a cluster's secret; no file, no secret.
func secretOf(path string) (wire.Secret, error) {
	if path == "" {
		return wire.Secret{}, nil
	}
	text, err := secret.Text(path)
	if err != nil {
		return wire.Secret{}, fmt.Errorf("--secret-file: %w", err)
	}
	s, err := wire.NewSecret(text)
	if err != nil {
		return wire.Secret{}, fmt.Errorf("--secret-file: %s: %w", path, err)
	}
	return s, nil
}
