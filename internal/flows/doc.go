// Package flows holds what the built-in flows share: how their sections of the
// configuration are read, and how what is wrong with one is told. Each flow lies in
// a package of its own below, and knows no other.
package flows
