package openapi

import (
	"embed"
	"fmt"
	"strings"
)

//go:embed *.yaml
var files embed.FS

const extension = ".yaml"

// Read returns the description with that name, "xs2a" for xs2a.yaml.
func Read(name string) ([]byte, error) {
	// The file system is flat and refuses "..", so a name from a URL is safe here.
	data, err := files.ReadFile(name + extension)
	if err != nil {
		return nil, fmt.Errorf("read description %q: %w", name, err)
	}
	return data, nil
}

// Names lists the descriptions in alphabetical order, without extension.
func Names() []string {
	// The folder is part of the binary, so reading it cannot fail.
	entries, err := files.ReadDir(".")
	if err != nil {
		return nil
	}
	names := make([]string, 0, len(entries))
	for _, entry := range entries {
		names = append(names, strings.TrimSuffix(entry.Name(), extension))
	}
	return names
}
