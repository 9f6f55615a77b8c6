package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/goccy/go-yaml"
)

// read loads a description. A reference that leads nowhere (the official ones
// hold some) says nothing, and is taken for an empty object.
func read(file string) (*openapi3.T, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var root any
	if err := yaml.Unmarshal(data, &root); err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	mend(root, root)
	whole, err := json.Marshal(root)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(whole)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	return doc, nil
}

// mend drops the references below node that lead nowhere in root.
func mend(root, node any) {
	switch n := node.(type) {
	case map[string]any:
		if ref, ok := n["$ref"].(string); ok && !leads(root, ref) {
			delete(n, "$ref")
		}
		for _, child := range n {
			mend(root, child)
		}
	case []any:
		for _, child := range n {
			mend(root, child)
		}
	}
}

func leads(root any, ref string) bool {
	for name := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
		m, _ := root.(map[string]any)
		child, ok := m[name]
		if !ok {
			return false
		}
		root = child
	}
	return true
}
