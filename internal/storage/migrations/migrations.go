// Package migrations holds the schema: hand-written SQL for each engine, which
// only ever moves forward. A change that running code could trip over goes in
// three steps over three releases: expand, migrate, contract.
package migrations

import (
	"embed"
	"fmt"
	"io/fs"
)

//go:embed postgres/*.sql sqlite/*.sql
var files embed.FS

// For returns the migrations of an engine, "postgres" or "sqlite".
func For(engine string) (fs.FS, error) {
	sub, err := fs.Sub(files, engine)
	if err != nil {
		return nil, fmt.Errorf("migrations of %s: %w", engine, err)
	}
	return sub, nil
}
