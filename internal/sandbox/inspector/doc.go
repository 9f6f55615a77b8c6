// Package inspector keeps the last calls of TPPs and of the bank's own systems to the
// sandbox, with what was decided on them and why, and shows them: it owns what is kept
// of a call, what of it is a secret and is masked before, and the pages and calls that
// show it.
//
//	Inspector  the calls, and the middleware that sees them
//	Handler    where they are shown, over HTTP
//
// What is decided, and why, the code that decides says through package explain; which
// paths are looked at, and which credentials are no secret, it is told.
package inspector
