// Package arch holds the program's structure as tests, so that it can't drift: which
// package may import what (imports_test.go, the architecture in one table), and what
// every package and file must look like (shape_test.go). A rule that is in the way is
// changed here, in the open, with its reason.
//
// The tests read the source tree themselves instead of asking "go list", so that
// go test's cache sees every file they depend on.
package arch
