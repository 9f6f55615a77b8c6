// Package scenarios holds what the XS2A interface answers, as data: a request,
// and the status, code, path, links and next state that it leads to. The files
// in testdata are meant to be read; the Go code here only runs them, on both
// databases, against the sandbox in this process. Every exchange is also held
// against openapi/.
//
// A case sends a request of testdata/requests.yaml with differences, to a
// program of testdata/programs.yaml, most often about a consent that a recipe
// (recipes_test.go) has brought into a state. Recipes use what everybody can
// use: the interface itself, the PSU's pages, the phones and the clock of the
// sandbox. A consent that the PSU has revoked is not among them: there is no
// place yet where a PSU can do that.
//
// Four forms keep the files short:
//
//	cases     one request, or steps, written out
//	headers   a header, with values that are taken and values that are refused
//	members   the same for a member of the body
//	tables    states × requests; a cell is "409 STATUS_INVALID", or
//	          "204 > terminatedByTpp" where the state moves on: without ">" the
//	          state must stay as it was
//
// Texts may hold <base>, <uuid>, <same> (one UUID for the whole case), <x*35>
// (x 35 times), <today+90>, <consent>, <former>, <authorisation>, <link>,
// <code:lea> (the last code on a phone) and <confirmation>.
package scenarios
