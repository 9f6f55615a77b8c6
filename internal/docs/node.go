package docs

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// node is a piece of a description: a yaml.MapSlice, which keeps the order in
// which its author wrote the members, a []any, or a plain value.
type node struct {
	value any
	root  *node
}

func readNode(data []byte) (node, error) {
	var value any
	if err := yaml.UnmarshalWithOptions(data, &value, yaml.UseOrderedMap()); err != nil {
		return node{}, err
	}
	if _, ok := value.(yaml.MapSlice); !ok {
		return node{}, errors.New("not a mapping")
	}
	n := node{value: value}
	n.root = &node{value: value}
	return n, nil
}

// member is one entry of a mapping.
type member struct {
	name string
	node
}

func (n node) members() []member {
	mapping, _ := n.value.(yaml.MapSlice)
	members := make([]member, 0, len(mapping))
	for _, item := range mapping {
		members = append(members, member{name: fmt.Sprint(item.Key), node: node{value: item.Value, root: n.root}})
	}
	return members
}

func (n node) items() []node {
	list, _ := n.value.([]any)
	items := make([]node, 0, len(list))
	for _, value := range list {
		items = append(items, node{value: value, root: n.root})
	}
	return items
}

// get walks down by names; a step that isn't there gives an empty node.
func (n node) get(names ...string) node {
	for _, name := range names {
		next := node{root: n.root}
		for _, m := range n.members() {
			if m.name == name {
				next = m.node
			}
		}
		n = next
	}
	return n
}

func (n node) exists() bool { return n.value != nil }

// str is a plain value as text, empty when there is none.
func (n node) str() string {
	switch n.value.(type) {
	case nil, yaml.MapSlice, []any:
		return ""
	}
	return fmt.Sprint(n.value)
}

func (n node) strs() []string {
	items := n.items()
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i] = item.str()
	}
	return texts
}

const refKey = "$ref"

// refName is the last part of a reference, "BadRequest"; empty without one.
func (n node) refName() string {
	ref := n.get(refKey).str()
	return ref[strings.LastIndex(ref, "/")+1:]
}

// expand follows references and joins allOf, so that a schema can be read in one
// piece. What stands beside a reference wins over what it refers to, as JSON
// Schema 2020-12 has it for descriptions and as our files use it for the rest.
// Our schemas don't refer to themselves; a test loads them all.
func (n node) expand() node {
	if _, ok := n.value.(yaml.MapSlice); !ok {
		return n
	}
	own := n.without(refKey, "allOf")
	for _, part := range n.get("allOf").items() {
		own.value = merge(part.expand().value, own.value)
	}
	if ref, ok := strings.CutPrefix(n.get(refKey).str(), "#/"); ok {
		target := n.root.get(strings.Split(ref, "/")...)
		target.root = n.root
		own.value = merge(target.expand().value, own.value)
	}
	return own
}

func (n node) without(names ...string) node {
	kept := yaml.MapSlice{}
	for _, m := range n.members() {
		if !slices.Contains(names, m.name) {
			kept = append(kept, yaml.MapItem{Key: m.name, Value: m.value})
		}
	}
	return node{value: kept, root: n.root}
}

// merge lays b over a: mappings member by member, anything else whole.
func merge(a, b any) any {
	under, okA := a.(yaml.MapSlice)
	over, okB := b.(yaml.MapSlice)
	if !okA || !okB {
		if b == nil {
			return a
		}
		return b
	}
	merged := append(yaml.MapSlice{}, under...)
	for _, item := range over {
		at := -1
		for i := range merged {
			if merged[i].Key == item.Key {
				at = i
			}
		}
		if at < 0 {
			merged = append(merged, item)
			continue
		}
		merged[at].Value = merge(merged[at].Value, item.Value)
	}
	return merged
}
