// Package faults answers calls of the sandbox with errors, or late, as it is told to:
// it owns which faults are set, on which calls they act and whose turn it is, and the
// calls and the page by which they are set and lifted.
//
//	Faults   those that are set, and the middleware that injects them
//	Handler  where they are set, over HTTP
//
// Which paths there are, and the words of a dialect for an error, it is told.
package faults
