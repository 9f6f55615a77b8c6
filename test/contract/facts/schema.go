package main

import (
	"fmt"
	"slices"

	"github.com/getkin/kin-openapi/openapi3"
)

// member is what a schema says of one value, with all its alternatives folded
// into one.
type member struct {
	required  bool
	forbidden bool // no value is allowed
	types     []string
	enum      []string
	maxLength *uint64
	items     *member
	members   map[string]*member
}

// memberOf folds a schema.
func memberOf(s *openapi3.Schema) *member {
	if s.Always != nil {
		return &member{forbidden: !*s.Always}
	}
	m := direct(s)
	for _, sub := range s.AllOf {
		m = both(m, memberOf(sub.Value))
	}
	for _, list := range []openapi3.SchemaRefs{s.OneOf, s.AnyOf} {
		if len(list) > 0 {
			m = both(m, alternatives(list))
		}
	}
	return m
}

// direct is what the schema says itself.
func direct(s *openapi3.Schema) *member {
	m := &member{maxLength: s.MaxLength, members: map[string]*member{}}
	if s.Type != nil {
		m.types = slices.Sorted(slices.Values(s.Type.Slice()))
	}
	for _, value := range s.Enum {
		m.enum = append(m.enum, fmt.Sprint(value))
	}
	if s.Const != nil {
		m.enum = []string{fmt.Sprint(s.Const)}
	}
	slices.Sort(m.enum)
	if s.Items != nil {
		m.items = memberOf(s.Items.Value)
	}
	for name, property := range s.Properties {
		m.members[name] = memberOf(property.Value)
	}
	for _, name := range s.Required {
		if m.members[name] == nil {
			m.members[name] = &member{}
		}
		m.members[name].required = true
	}
	return m
}

func alternatives(list openapi3.SchemaRefs) *member {
	m := memberOf(list[0].Value)
	for _, other := range list[1:] {
		m = either(m, memberOf(other.Value))
	}
	return m
}

// both holds what two schemas demand together.
func both(a, b *member) *member {
	m := &member{
		required:  a.required || b.required,
		forbidden: a.forbidden || b.forbidden,
		types:     common(a.types, b.types),
		enum:      common(a.enum, b.enum),
		maxLength: a.maxLength,
		members:   map[string]*member{},
	}
	if m.maxLength == nil || b.maxLength != nil && *b.maxLength < *m.maxLength {
		m.maxLength = b.maxLength
	}
	m.items = join(a.items, b.items, both)
	for name := range a.members {
		m.members[name] = join(a.members[name], b.members[name], both)
	}
	for name := range b.members {
		m.members[name] = join(a.members[name], b.members[name], both)
	}
	return m
}

// either holds what one of two schemas demands: only what both demand is sure.
func either(a, b *member) *member {
	if a.forbidden {
		a, b = b, a
	}
	if b.forbidden {
		m := *a
		m.required = false
		return &m
	}
	m := &member{required: a.required && b.required, members: map[string]*member{}}
	if len(a.types) > 0 && len(b.types) > 0 {
		m.types = union(a.types, b.types)
	}
	if len(a.enum) > 0 && len(b.enum) > 0 {
		m.enum = union(a.enum, b.enum)
	}
	if a.maxLength != nil && b.maxLength != nil {
		longest := max(*a.maxLength, *b.maxLength)
		m.maxLength = &longest
	}
	m.items = join(a.items, b.items, either)
	for name, child := range a.members {
		m.members[name] = optional(child, b.members[name])
	}
	for name, child := range b.members {
		m.members[name] = optional(child, a.members[name])
	}
	return m
}

// optional is a member of one alternative, beside what the other says of it.
func optional(child, other *member) *member {
	if other != nil {
		return either(child, other)
	}
	// The other alternative does not name it, and so allows it.
	m := *child
	m.required, m.forbidden = false, false
	return &m
}

func join(a, b *member, how func(a, b *member) *member) *member {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	default:
		return how(a, b)
	}
}

// common holds what two lists allow together; an empty one allows all.
func common(a, b []string) []string {
	if len(a) == 0 {
		return b
	}
	if len(b) == 0 {
		return a
	}
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return !slices.Contains(b, s) })
}

func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}
